"""Multi-step programs: the situations that the suite brings about on a target.

Programs assert nothing; rules judge the recorded exchanges. A program is a pure function of its context and of the
responses that it is sent, so it can be replayed and shrunk. It ends quietly if a step that it depends on is refused.
"""
