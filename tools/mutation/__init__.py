"""Is the judge any good? Formulas and emitted code, each wrong in one small way, must be refuted;
the same formulas, rewritten without changing them, must not be.
"""
