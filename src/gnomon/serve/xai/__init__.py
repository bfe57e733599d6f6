"""xAI's gRPC services over gnomon's own HTTP interface, for the official ``xai-sdk``.

The SDK speaks gRPC and no REST, so another base URL does not reach a server of one's own; another
``api_host`` does. Every call becomes a request to our own application, in process, so keys,
limits, kept responses and tools are the same on both roads. Protocol definitions: those which the
package ``xai-sdk`` carries (Apache-2.0, https://github.com/xai-org/xai-proto).
"""
