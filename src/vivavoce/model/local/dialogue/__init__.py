"""The dialogue part of the embedded model: words in, words and tool calls out."""
