"""Sound as bytes: counting, converting, framing, mixing, files, levels. Pure, and exact to the sample.

Inside Vivavoce audio is ``bytes`` holding PCM: 16-bit signed little-endian samples, one channel. Its rate
travels beside it.

===============  =====================================================  ==============
module           what it does                                           third parties
===============  =====================================================  ==============
``pcm``          samples, bytes and milliseconds                        none
``framing``      a stream cut into frames of one length                 none
``arrays``       PCM as a numpy array and back                          numpy
``g711``         mu-law and A-law                                       numpy
``resample``     one rate to another, streaming or whole                numpy, soxr
``mixing``       caller and agent on one clock, as stereo               numpy
``level``        how loud; noise at a known level                       numpy
``fading``       ramps against clicks                                   none
``wav``          a WAV file that is whole at every moment               none
``files``        sound files in and out                                 numpy, soundfile
===============  =====================================================  ==============

Import the module that is needed: this file imports none, so that counting samples does not cost loading numpy.
"""
