# One image for every program: the order API unless told otherwise.
#   docker run coffee-rt node services/worker/main.ts
#   docker run coffee-rt node db/main.ts
# Node runs the TypeScript as it is, so there is nothing to build but the page.

FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app
# the init: hands signals on and reaps, wherever the image runs
RUN apt-get update && apt-get install --yes --no-install-recommends "tini=0.19.*" && rm -rf /var/lib/apt/lists/*

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
# without the development tools, and without the Node that `npm start` brings along: the image has it
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM base AS page
COPY package.json package-lock.json .npmrc ./
# with the bundler, whose native part is an optional dependency
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY dev/build-dashboard.ts dev/
COPY shared shared
COPY services/dashboard services/dashboard
RUN node dev/build-dashboard.ts

FROM base AS programs
COPY package.json LICENSE ./
COPY shared shared
COPY services/order-api services/order-api
COPY services/operator services/operator
COPY services/worker services/worker
COPY db db
# a checkout may let its group write
RUN chmod -R go-w .

# the page at an address of its own: docker build --target dashboard
FROM nginxinc/nginx-unprivileged:1.29.8-alpine AS dashboard
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="Coffee-RT dashboard" \
      org.opencontainers.image.description="The page of Coffee-RT, with the order API behind it" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --chmod=644 services/dashboard/nginx.conf /etc/nginx/conf.d/default.conf
COPY --from=page /app/services/dashboard/dist /usr/share/nginx/html
USER 101:101
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"]

FROM base
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="Coffee-RT" \
      org.opencontainers.image.description="Order analytics over three ingest architectures: direct PostgreSQL, Redis Streams, Kafka" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# a young generation of 4 MB, as dev/system/programs.ts starts them: about 60 MB less a process
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4
COPY --from=dependencies /app/node_modules node_modules
COPY --from=programs /app ./
COPY --from=page /app/services/dashboard/dist services/dashboard/dist
# the base image's user "node"; it owns nothing here
USER 1000:1000
EXPOSE 8005
# alive, not ready: a restart does not bring back a server that is away
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${METRICS_PORT:-${PORT:-8005}}; printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [ \"$status\" = 200 ]"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "services/order-api/main.ts"]
