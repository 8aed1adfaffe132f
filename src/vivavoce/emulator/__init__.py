"""A local server that speaks Amazon Bedrock's bidirectional stream, so that a client can be proved without an account."""
