"""Amazon Bedrock's bidirectional stream over HTTP/2: connections, credentials, faults."""
