# The images of Keyward: docker build --target operator|agent|cqlsh .
#
# Each is the base, one virtual environment and nothing else: no compiler, no pip, user 65532, fit for a read-only
# root file system. Every dependency is installed from uv.lock, checked against its hash. No BuildKit syntax.
#
# Packages come from pip's usual index, or from the one that pip's own variables name, given as build arguments. A
# file build-ca.crt in the build context replaces the roots that downloads trust; it does not get into an image.
ARG BASE=python:3.13-slim

# ---- Three virtual environments, at the paths where they will be.
FROM ${BASE} AS environments
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=1
WORKDIR /build
# The pattern makes build-ca.crt optional.
COPY pyproject.toml uv.lock build-ca.cr[t] ./
RUN if [ -s build-ca.crt ]; then printf '[global]\ncert = /build/build-ca.crt\n' > /etc/pip.conf; fi \
 && python3 -m venv tools \
 && tools/bin/pip install uv==0.13.9
RUN set -eu; for extra in operator agent cqlsh; do \
      tools/bin/uv export --quiet --frozen --no-dev --no-emit-project --extra "$extra" -o "$extra.txt"; \
      python3 -m venv --without-pip "/opt/$extra"; \
      tools/bin/pip --python "/opt/$extra/bin/python" install --no-compile --require-hashes --no-deps -r "$extra.txt"; \
    done
# Of the Kubernetes client only the dynamic part is used: the generated models and API classes, which it would load on
# demand, are most of its size. Of AWS' services the agent knows STS alone, the operator IAM besides.
RUN find /opt/*/lib/python3*/site-packages/kubernetes \
      \( -path '*/client/models/*.py' -o -path '*/client/api/*.py' \) ! -name __init__.py -delete \
 && find /opt/*/lib/python3*/site-packages/kubernetes -name '*_test.py' -delete \
 && find /opt/*/lib/python3*/site-packages/boto*/data -mindepth 1 -maxdepth 1 -type d \
      ! -name sts ! -path '/opt/operator/*/iam' -exec rm -r {} + \
 && for extra in operator agent cqlsh; do \
      "/opt/$extra/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "/opt/$extra/lib" || exit; \
    done
COPY README.md LICENSE ./
COPY api api
COPY operator operator
COPY proxy proxy
COPY cli cli
# Each program is run once, so that a part taken away by mistake is missed here.
RUN set -eu; tools/bin/pip wheel --no-deps --wheel-dir dist .; \
    for extra in operator agent cqlsh; do \
      tools/bin/pip --python "/opt/$extra/bin/python" install --no-compile --no-deps --no-index dist/*.whl; \
      "/opt/$extra/bin/python" -m compileall -q --invalidation-mode unchecked-hash "/opt/$extra/lib"; \
    done; \
    /opt/operator/bin/keyward-operator --help > /dev/null; \
    /opt/operator/bin/python -c "import boto3; [boto3.client(s, region_name='us-east-1') for s in ('iam', 'sts')]"; \
    /opt/agent/bin/keyward-agent --help > /dev/null; \
    /opt/agent/bin/python -c "import boto3; boto3.client('sts', region_name='us-east-1')"; \
    /opt/agent/bin/python -c "import keyward_proxy.describe.answer"; \
    /opt/cqlsh/bin/python -c "import keyward_cqlsh"; \
    /opt/cqlsh/bin/cqlsh --version > /dev/null

# ---- What the images share: the base without pip, and the user.
FROM ${BASE} AS runtime
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
      /usr/bin/pip* /usr/lib/python3*/ensurepip /usr/share/python-wheels \
 && echo 'keyward:x:65532:65532::/home/keyward:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'keyward:x:65532:' >> /etc/group \
 && mkdir /home/keyward
ENV HOME=/home/keyward PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/keyward
USER 65532:65532

FROM runtime AS operator
COPY --from=environments /opt/operator /opt/operator
ENV PATH=/opt/operator/bin:$PATH
ENTRYPOINT ["keyward-operator"]

FROM runtime AS agent
COPY --from=environments /opt/agent /opt/agent
ENV PATH=/opt/agent/bin:$PATH
ENTRYPOINT ["keyward-agent"]

FROM runtime AS cqlsh
COPY --from=environments /opt/cqlsh /opt/cqlsh
COPY cli/cqlshrc /home/keyward/.cassandra/cqlshrc
ENV PATH=/opt/cqlsh/bin:$PATH
ENTRYPOINT ["cqlsh"]
