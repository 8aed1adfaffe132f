"""One codec for each protocol: bytes or JSON on one side, typed values on the other. Pure and total."""
