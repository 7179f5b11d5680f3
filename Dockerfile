# cairn-signal and cairn-admin on Debian 12, as the project's own Debian package. `./dev image` builds it.
#
# With SNAPSHOT=20260101T000000Z every package comes from that moment of snapshot.debian.org, and with SOURCE_DATE_EPOCH
# every time stamp of ours is that one: then the same commit gives the same packages, the same binaries and the same SBOM.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS debian
ARG SNAPSHOT=
RUN if [ -n "$SNAPSHOT" ]; then \
      rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; \
      for suite in debian:bookworm debian:bookworm-updates debian-security:bookworm-security; do \
        echo "deb [check-valid-until=no] http://snapshot.debian.org/archive/${suite%%:*}/$SNAPSHOT ${suite##*:} main"; \
      done > /etc/apt/sources.list; \
    fi

FROM debian AS build
WORKDIR /src
COPY dev ./
RUN ./dev deps
COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN --mount=type=cache,target=/root/.cache/ccache ./dev package && mv build/release/*.deb /cairn-signal.deb

FROM debian AS installed
# A number that manifests can name, before the package would take the next free one.
RUN groupadd --gid 10001 cairn-signal && \
    useradd --uid 10001 --gid 10001 --home-dir / --no-create-home --shell /usr/sbin/nologin cairn-signal
RUN --mount=type=bind,from=build,source=/cairn-signal.deb,target=/tmp/cairn-signal.deb \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends systemd-standalone-sysusers \
      /tmp/cairn-signal.deb && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/log/apt /var/log/dpkg.log \
      /var/log/alternatives.log

FROM build AS sbom
COPY --from=installed /var/lib/dpkg/status /status
RUN /usr/bin/python3 deploy/image/sbom.py /status > /sbom.spdx.json

FROM installed
COPY --from=sbom /sbom.spdx.json /usr/share/sbom/cairn-signal.spdx.json
ARG VERSION=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="cairn-signal" \
      org.opencontainers.image.description="Signaling server for cairn peers" \
      org.opencontainers.image.source="https://github.com/moukrea/cairn" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
# Clients with TLS, clients behind a proxy, gRPC between edges, core and operators, health and metrics. Docker lets every user
# in a container bind 443; where a runtime does not, set CAIRN_SIGNAL_LISTEN_ADDR=0.0.0.0:8443. The binary has no file
# capability: with one it could not be started where all capabilities are dropped.
EXPOSE 443 8443 7443 9090
USER 10001:10001
STOPSIGNAL SIGTERM
# Health and metrics of every role; reachable only through the container's own address.
ENV CAIRN_SIGNAL_OPS_LISTEN_ADDR=0.0.0.0:9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["cairn-signal", "--health-check"]
ENTRYPOINT ["cairn-signal"]
