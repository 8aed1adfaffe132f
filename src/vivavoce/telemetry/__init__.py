"""What is told of a call to the outside once it is over: as a trace, and to addresses that want to hear of it.

Everything here blocks, and belongs into a thread.
"""
