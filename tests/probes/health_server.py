"""A gRPC server with a health service, of Debian's python3-grpcio: gRPC's own C core.

health_server.py KEY CERTIFICATE: port 5000 without TLS, 5001 with it.
"""
import sys
import threading
from concurrent import futures

import grpc

STATUS = {b"": 1, b"web": 1, b"down": 2, b"unset": 0}


def check(request, context):
    name = request[2:]
    if name == b"hangs":
        threading.Event().wait()
    if name not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    number = STATUS[name]
    return bytes([8, number]) if number else b""


def main():
    method = grpc.unary_unary_rpc_method_handler(check)
    handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method})
    server = grpc.server(futures.ThreadPoolExecutor(4))
    if "--without" not in sys.argv:
        server.add_generic_rpc_handlers((handler,))
    key, certificate = (open(path, "rb").read() for path in sys.argv[1:3])
    server.add_secure_port("127.0.0.1:5001", grpc.ssl_server_credentials([(key, certificate)]))
    server.add_insecure_port("127.0.0.1:5000")
    server.start()
    server.wait_for_termination()


main()
