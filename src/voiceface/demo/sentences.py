"""What the speakers say: sentences from our own templates, thousands of different ones."""

import numpy as np

_Parts = dict[str, tuple[str, ...]]

_EN: _Parts = {
    "open": (
        "Today", "This morning", "Last week", "Yesterday", "To be honest,", "As I told you,",
        "Well,", "So,", "Last winter", "On Sunday",
        "In the end", "After lunch", "A year ago", "At first",
    ),
    "who": (
        "my neighbour", "an old friend", "the baker", "my sister", "our old teacher", "the pilot",
        "a young doctor", "my grandfather", "the woman next door", "the gardener", "my brother",
        "a quiet man", "the whole team", "one of you",
    ),
    "did": (
        "found", "painted", "repaired", "talked about", "carried home", "looked for", "gave away",
        "wrote about", "cooked with", "forgot", "borrowed", "dreamed of", "sold", "took apart",
    ),
    "what": (
        "a yellow bicycle", "the broken radio", "seven paper boats", "an enormous pumpkin",
        "the map of the island", "a box of old letters", "the kitchen table", "a very small camera",
        "the blue umbrella", "three wooden chairs", "a jar of honey", "the longest rope",
        "a violin without strings", "my favourite pan",
    ),
    "end": (
        "before the rain came", "and nobody noticed", "in the middle of the night",
        "near the railway station", "with a lot of patience", "for no good reason",
        "while the others were asleep", "and then everything changed", "as fast as possible",
        "on the way to the harbour", "because it was Friday", "and I still think about it",
        "without saying a word", "under the big oak tree",
    ),
}  # fmt: skip
_ES: _Parts = {
    "open": (
        "Hoy", "Esta mañana", "La semana pasada", "Ayer", "La verdad es que", "Como os dije,",
        "Bueno,", "En invierno", "El domingo", "Al final", "Después de comer", "Hace un año",
    ),
    "who": (
        "mi vecino", "una amiga", "el panadero", "mi hermana", "la profesora", "el piloto",
        "un médico joven", "mi abuelo", "la señora de al lado", "el jardinero", "todo el equipo",
    ),
    "did": (
        "encontró", "pintó", "arregló", "habló de", "llevó a casa", "buscaba", "regaló", "olvidó",
        "escribió sobre", "cocinó con", "soñó con", "vendió", "desmontó",
    ),
    "what": (
        "una bicicleta amarilla", "la radio rota", "siete barcos de papel", "una calabaza enorme",
        "el mapa de la isla", "una caja de cartas viejas", "la mesa de la cocina",
        "una cámara muy pequeña", "el paraguas azul", "tres sillas de madera", "un bote de miel",
    ),
    "end": (
        "antes de la lluvia", "y nadie lo notó", "en mitad de la noche", "cerca de la estación",
        "con mucha paciencia", "sin ningún motivo", "mientras los otros dormían",
        "y entonces todo cambió", "lo más rápido posible", "camino del puerto", "sin decir nada",
    ),
}  # fmt: skip
_TEXTS = {"en": _EN, "es": _ES}


def sentence(language: str, rng: np.random.Generator) -> str:
    """One sentence in `language` (en or es)."""
    words = [str(rng.choice(choices)) for choices in _TEXTS[language].values()]
    if rng.random() < 0.3:
        words.pop(0)
        words[0] = words[0][0].upper() + words[0][1:]
    return " ".join(words) + "."
