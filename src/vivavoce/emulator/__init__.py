"""A local server that speaks Amazon Bedrock's bidirectional stream, so that a client can be proved without an account.

It stands in for Nova Sonic and says so: what it answers with is simulated, and its figures say nothing of the service.
"""
