"""llama.cpp's OpenAI-compatible server in a process of its own: ``python llama_server.py MODEL.gguf PORT``."""

import sys
import time

import xllamacpp  # type: ignore[import-untyped, import-not-found, unused-ignore]

PARAMETERS = xllamacpp.CommonParams()
PARAMETERS.model.path = sys.argv[1]
PARAMETERS.hostnames, PARAMETERS.port = ["127.0.0.1"], int(sys.argv[2])
PARAMETERS.n_parallel, PARAMETERS.n_ctx, PARAMETERS.warmup = 4, 8192, False
SERVER = xllamacpp.Server(PARAMETERS)
while True:
    time.sleep(1)
