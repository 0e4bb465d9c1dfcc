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
RUN bun run build && mkdir -p /image/bin /data \
  && cp dist/neocrm /image/bin/ \
  && ldd dist/neocrm | grep -o '/lib[^ ]*' | xargs cp --dereference --parents --target-directory=/image

FROM scratch
COPY --from=build /image /
COPY --from=build --chown=65532:65532 /data /data
ENV DATA_DIR=/data
WORKDIR /data
VOLUME /data
EXPOSE 3000
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["/bin/neocrm", "healthcheck"]
ENTRYPOINT ["/bin/neocrm"]
CMD ["serve"]
