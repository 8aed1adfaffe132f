"""Browsers by WebRTC: one peer connection is one caller. Needs the extra ``webrtc``, loaded when a peer is made.

==============  ================================================================================  =============
module          what it does                                                                      third parties
==============  ================================================================================  =============
``peer``        the connection: answers an offer, carries sound and texts until it ends           (aiortc)
``offer``       what an offer must hold, and what our answer says beyond aiortc's                 none
``texts``       the data channel, and the queue of what is to be told besides sound               none
``speaking``    what the agent says, paced                                                        none
``statistics``  what a connection went through, in numbers                                        none
``transport``   aiortc from within: its receiver, its sender, its UDP ports                       aiortc
``codecs``      Opus and G.711 on the wire                                                        PyAV, numpy
``listening``   the caller's packets become 20 ms of sound every 20 ms, whatever the network did  numpy
``jitter``      which packet to play now, and whether to wait, hurry or give up                   none
``arrivals``    how late packets are                                                              none
``conceal``     sound in the place of a lost packet                                               numpy
``pitch``       the length of a voice's period; sound made shorter and longer by one              numpy
==============  ================================================================================  =============
"""
