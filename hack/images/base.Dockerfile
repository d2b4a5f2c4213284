# The base of our images where mmdebstrap cannot make one from packages.
FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends libatomic1 libstdc++6 nftables \
  && rm -rf /var/lib/apt/lists/*
