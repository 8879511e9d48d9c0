"""Where the measures come from."""

from __future__ import annotations

from html import escape

SOURCES = {
    "lateral": ("Shadmehr & Mussa-Ivaldi 1994", "10.1523/JNEUROSCI.14-05-03208.1994"),
    "clamp": ("Scheidt et al. 2000", "10.1152/jn.2000.84.2.853"),
    "slope": ("Smith et al. 2006", "10.1371/journal.pbio.0040179"),
    "slope2": ("Joiner & Smith 2008", "10.1152/jn.90706.2008"),
    "catch": ("Criscimagna-Hemminger et al. 2003", "10.1152/jn.00622.2002"),
    "tuning": ("Donchin et al. 2003", "10.1523/JNEUROSCI.23-27-09032.2003"),
    "bootstrap": ("Efron 1987", "10.1080/01621459.1987.10478410"),
    "projection": ("Golub & Pereyra 1973", "10.1137/0710036"),
    "axes": ("Churchland et al. 2012", "10.1038/nature11129"),
    "synergies": ("Torres-Oviedo et al. 2006", "10.1152/jn.00810.2005"),
    "subspace": ("Chiappa et al. 2024", "10.1016/j.neuron.2024.09.002"),
    "tangling": ("Russo et al. 2018", "10.1016/j.neuron.2018.01.004"),
    "shrinkage": ("Ledoit & Wolf 2004", "10.1016/S0047-259X(03)00096-4"),
    "nmf": ("Lee & Seung 1999", "10.1038/44565"),
}


def cite(*names: str) -> str:
    """Sources as HTML, each a link by its doi."""
    out = []
    for name in names:
        text, doi = SOURCES[name]
        out.append(f'<a href="https://doi.org/{doi}">{escape(text)}</a> (doi {doi})')
    return "; ".join(out)
