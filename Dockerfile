# An image with the binary, the authorities that sign certificates, and nothing else: no
# shell, no packages, no user with rights. It runs with a read-only root:
#
#   docker build --build-arg VERSION=$(git describe --tags) -t catalpa .
#   docker run --read-only --cap-drop ALL -p 8585:8585 -v catalpa:/var/lib/catalpa catalpa

FROM node:24-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . ./
COPY --from=web /src/web/dist ./web/dist
ARG VERSION=0.0.0-dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION#v}" -o /out/catalpa ./cmd/catalpa \
 && install -d -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/catalpa /catalpa
COPY --from=build --chown=65532:65532 /out/data /var/lib/catalpa
# The server listens for others than itself here, which makes it refuse unsafe settings.
ENV CATALPA_DATA_DIR=/var/lib/catalpa \
    SERVER_HOST=0.0.0.0 \
    TMPDIR=/var/lib/catalpa
USER 65532:65532
VOLUME /var/lib/catalpa
EXPOSE 8585
ENTRYPOINT ["/catalpa"]
CMD ["server"]
