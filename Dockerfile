# One executable and the C library, nothing else: no shell, no package manager.
FROM oven/bun:1.4.5-debian AS build
WORKDIR /src
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile
COPY tsconfig.json ./
COPY config ./config
COPY drizzle ./drizzle
COPY scripts ./scripts
COPY src ./src
# What `.git` would tell, which is not here.
ARG NEOCRM_COMMIT=unknown
RUN bun run build && bun scripts/image-root.ts dist/neocrm /image

# From here on nothing runs: scripts/image.ts builds this stage alone, from an executable that is there.
FROM scratch
ARG NEOCRM_VERSION=unknown
ARG NEOCRM_COMMIT=unknown
LABEL org.opencontainers.image.title="Neo CRM" \
  org.opencontainers.image.description="The backend of a customer-relationship system in one executable." \
  org.opencontainers.image.version="$NEOCRM_VERSION" \
  org.opencontainers.image.revision="$NEOCRM_COMMIT"
COPY --from=build /image/root /
COPY --from=build --chown=65532:65532 /image/data /data
ENV DATA_DIR=/data
WORKDIR /data
VOLUME /data
EXPOSE 3000
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["/bin/neocrm", "healthcheck"]
ENTRYPOINT ["/bin/neocrm"]
CMD ["serve"]
