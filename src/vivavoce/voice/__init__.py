"""What is heard on the line beside the model: whether somebody talks, who, and what for."""
