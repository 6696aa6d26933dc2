# One image for every program: the order API unless told otherwise.
#   docker run coffee-rt node services/worker/main.ts
#   docker run coffee-rt node db/main.ts
# Node runs the TypeScript as it is, so there is nothing to build.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# without the development tools, and without the Node that `npm start` brings along: the image has it
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Coffee-RT" \
      org.opencontainers.image.description="Order analytics over three ingest architectures: direct PostgreSQL, Redis Streams, Kafka" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY shared shared
COPY services services
COPY db db
# the base image's user "node"; it owns nothing here
USER 1000:1000
EXPOSE 8005
# alive, not ready: a restart does not bring back a server that is away
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s \
  CMD ["node", "-e", "const { METRICS_PORT, PORT = 8005 } = process.env; fetch(`http://127.0.0.1:${METRICS_PORT || PORT}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "services/order-api/main.ts"]
