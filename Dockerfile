# The image of `make image`, for who builds with Docker:
#
#   docker build --tag certwright .
#
# `make image` needs no Docker, makes both platforms, and the same bytes each time;
# it is what is published.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION= COMMIT=
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOWORK=off GOFLAGS=-trimpath GOMODCACHE=/cache/mod GOCACHE=/cache/build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/cache \
	stamp=github.com/certwright/certwright/daemon/certwright/commands && \
	go build -buildvcs=false -ldflags "-s -w -X $stamp.version=$VERSION -X $stamp.commit=$COMMIT" -o /out/certwright ./daemon/certwright && \
	go -C daemon/lego build -buildvcs=false -ldflags "-s -w" -o /out/certwright-lego .

FROM scratch
# Whom the internet trusts; without them no ACME server is believed.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/certwright-lego /out/certwright /usr/bin/
ENV PATH=/usr/bin
USER 65532:65532
EXPOSE 9402 9403 8089
ENTRYPOINT ["/usr/bin/certwright"]
CMD ["run"]
