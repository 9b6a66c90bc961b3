-- Plain calls for wrk: one request, made once, and the figures as a line of JSON.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"bytes":%d,"errors":%d,"p50Us":%.1f,"p99Us":%.1f,"meanUs":%.1f}\n',
    summary.requests, summary.duration, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.mean))
end
