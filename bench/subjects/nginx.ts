import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place, Subject } from '../subject.ts'
import { program, said } from '../workshop.ts'

const WORKER_CONNECTIONS = 40_000

/** What passing bytes costs in C: one worker, kept-alive upstream connections, nothing buffered, nothing logged. */
export const nginx: Subject = {
  name: 'nginx',
  describe: () => `nginx ${said('sh', ['-c', 'nginx -v 2>&1'])?.split('/')[1] ?? '?'}, proxy_pass with keepalive`,
  messages: true,
  prepare: () => void program('nginx', 'nginx-light'),
  command: place => {
    const file = join(place.directory, 'nginx.conf')
    mkdirSync(join(place.directory, 'logs'), { recursive: true })
    writeFileSync(file, configuration(place))
    return { argv: [program('nginx', 'nginx-light'), '-p', place.directory, '-c', file] }
  },
  headers: () => ({}),
}

function configuration({ port, upstreamPort, directory }: Place): string {
  return `
daemon off;
worker_processes 1;
worker_rlimit_nofile ${WORKER_CONNECTIONS};
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections ${WORKER_CONNECTIONS}; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 1000000000;
  upstream mock { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 300s;
    }
  }
}
`
}
