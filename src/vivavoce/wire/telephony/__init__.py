"""Carriers' media streams, one codec each: what comes in as :mod:`~vivavoce.wire.telephony.line` facts, wishes out as
messages. Pure; a codec keeps no more than the ids and the format that the carrier named at the start.
"""
