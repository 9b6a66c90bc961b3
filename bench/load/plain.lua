-- Plain calls for wrk: one request, made once, and the figures as a line of JSON. With BENCH_TIMINGS it also reads what
-- the gateway says in `server-timing`, which costs the generator some microseconds a call.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

if os.getenv("BENCH_TIMINGS") then
  gateway, commit = {}, {}
  function response(status, headers)
    local timing = headers["server-timing"] or headers["Server-Timing"]
    if timing then
      gateway[#gateway + 1] = tonumber(timing:match("gateway;dur=([%d.]+)"))
      commit[#commit + 1] = tonumber(timing:match("commit;dur=([%d.]+)"))
    end
  end
end

-- The middle and the 99th of a hundred, or null when the gateway said nothing.
local function quantiles(name)
  local all = {}
  for _, thread in ipairs(threads) do
    for _, value in ipairs(thread:get(name) or {}) do all[#all + 1] = value end
  end
  if #all == 0 then return "null" end
  table.sort(all)
  return string.format('{"p50Ms":%.4f,"p99Ms":%.4f}', all[math.ceil(#all * 0.5)], all[math.ceil(#all * 0.99)])
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"bytes":%d,"errors":%d,"p50Us":%.1f,"p99Us":%.1f,"maxUs":%.1f,"meanUs":%.1f,"gateway":%s,"commit":%s}\n',
    summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max, latency.mean, quantiles("gateway"), quantiles("commit")))
end
