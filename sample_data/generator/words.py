"""The words of an invented music world."""

from __future__ import annotations

# genre -> (moods, activities, words of its texts, words that people type instead: the vocabulary gap)
GENRES = {
    "jazz": (("mellow", "smoky"), ("dinner",), "saxophone quartet brushed drums upright bass", "late night bar music"),
    "ambient": (("calm", "floating"), ("sleep",), "slow synthesizer drones soft textures", "music to fall asleep"),
    "techno": (("dark", "driving"), ("running",), "four to the floor machines warehouse pulse", "gym beats"),
    "folk": (("warm", "wistful"), ("reading",), "acoustic guitar fiddle campfire voices", "unplugged cabin songs"),
    "metal": (("heavy", "furious"), ("lifting",), "distorted riffs double kick growls", "headbanging music"),
    "soul": (("tender", "warm"), ("cooking",), "horns organ rhodes gospel choir", "old school love music"),
    "hip hop": (("bold", "laid back"), ("driving",), "samples boom bap rhymes turntable", "rap for the road"),
    "classical": (("solemn", "bright"), ("study",), "string orchestra sonata conservatory recording", "focus music"),
    "reggae": (("sunny", "laid back"), ("beach",), "offbeat guitar deep bass echo", "holiday vibes"),
    "indie rock": (("restless", "wistful"), ("walking",), "jangling guitars garage drums", "college radio"),
    "love songs": (("tender", "romantic"), ("wedding",), "ballads slow dance strings", "romantic evening music"),
    "disco": (
        ("glittering", "happy"),
        ("party",),
        "strings octave bass handclaps mirror ball",
        "seventies dance floor",
    ),
    "blues": (("rough", "lonely"), ("whiskey",), "slide guitar twelve bars harmonica", "sad guitar music"),
    "latin": (("happy", "sunny"), ("dancing",), "congas brass montuno piano", "salsa night"),
    "country": (("honest", "lonely"), ("driving",), "pedal steel banjo open road", "truck songs"),
    "piano": (("sad", "calm"), ("rain",), "solo felt piano quiet room", "rainy evening keys"),
}
COUNTRIES = ("Norway", "Brazil", "Japan", "Ghana", "France", "Canada", "India", "Chile", "Korea", "Ireland")
LANGUAGES = ("en", "pt", "ja", "fr", "es", "no")
FIRST = (
    "Taylor Mira Jonah Ada Cleo Ruben Nina Otis Vera Milo Lena Hugo Ivy Theo Zora Felix Mabel Silas Opal Dorian "
    "Esme Caspar Juno Basil Wren Alma Ezra Tove Bruno Iris"
).split()
SYLLABLES = (
    "ka ro lin ves tor mar quil den osh bel ran dil mo sha ter vin cor hal zep nor gal wick bry stow fen".split()
)
BANDS = (
    "Rivers Foxes Lanterns Machines Gardens Sailors Mirrors Wolves Engines Orchids Giants Harbors Comets Pilots Saints "
    "Ravens Tigers Clocks Islands Ghosts"
).split()
ADJECTIVES = (
    "Velvet Paper Silver Hollow Electric Golden Broken Quiet Crimson Wild Frozen Distant Lonely Burning Northern "
    "Midnight Neon Gentle Salt Copper"
).split()
NOUNS = (
    "Love River Night Road Summer Rain Gold Heart Fire Ocean Window Train Letter Moon Garden Shadow Highway Mirror "
    "Winter Bridge Dream Stone Sky Bird Promise Thunder Harbor Lantern Season Island"
).split()
VERBS = "Leaving Chasing Holding Missing Finding Burning Counting Losing Waking Following".split()
TOPICS = (
    "history of synthesizers", "touring on a small budget", "songwriting craft", "vinyl collecting",
    "music and the brain", "festival stories", "producers at work", "forgotten records",
)  # fmt: skip
