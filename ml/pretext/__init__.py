"""Learning to see before there are labels: patches of drawn cloth with a planted fault, and which kind it is.

The kinds are no classes of any mill. They are what a fault can look like (a line along warp or weft, a spot, a fold, a
lost edge, …), faint ones among them; a trunk that tells them apart needs few labelled images afterwards. In spirit
CutPaste (Li et al. 2021) and DRAEM (Zavrtanik et al. 2021), which plant faults to learn anomalies.
"""
