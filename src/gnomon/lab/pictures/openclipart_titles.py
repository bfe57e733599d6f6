"""Titles of the clip art that are not English, or say something else than what is seen.

``openclipart_titles.txt`` holds a line ``title = English`` for each, the title as it is left when
numbers and names are taken off; nothing after the sign means that it says too little to be a
caption. Made by reading all titles of openclipart-svg 0.18; most are one Italian architect's.
"""

from __future__ import annotations

from gnomon.lab.pictures.titles import titles

ENGLISH = frozenset(
    """
    abacus acorn airbrush aircraft amoeba angelfish anvil armadillo azalea baboon ballerina banjo
    barn beagle bells binoculars blacksmith blots boombox bowsaw breakdance broccoli bulldozer
    calendar capacitor capacitors cheetah client computer conifer corndog crossroads crosswind
    cultivator daffodil daisy damselfly dartboard daylily diary drill earring echidna erlenmeyer
    eraser fawn fern firewall flan foxglove gallows gramophone grenade gull handphone handstand
    hedge hub hydrangea hydrant icecube insecticide joypad jukebox jupiter katana keyring knitting
    knot lasagna laser lemonade lighthouse longsword mallet mars microchip mitten modem
    noodles oboe palette panel paprika patchwork pavement perogies pitcher poison postage printer
    profile projectile propeller quaver radish resistor resistors retriever roller rollerblades
    saber sailor sakura salami scalpel scanner seahorse shears skater skyline snowstorm sombrero
    spyglass stamp storm stripper surfboard tangram tetris thumbtack transistor trawler trillium
    bible burner cage carton cleaner clef cluster cone core crawfish dragonfly fedora fireworks
    flask gemstone geranium gumnut hallway handset headphones helix iris lighter magnolia
    marshmallow puller pupil racket rackets rake reed sailboat screen serve shuttle skier sledge
    spread stack stick tote transmitter vacuum wasp wreath youngster dulcimer lime half bishops
    trowel tunnel twinkling venus wagon webcam workstation xylophone zebra bush hedgehog pyramid
    """.split()
)
"""Nouns in titles that no emoji's name or tag and no common keyword has."""

MISSPELT = {
    "simbol": "symbol", "baloon": "balloon", "ballons": "balloons", "blowling": "bowling",
    "volleball": "volleyball", "scrathing": "scratching", "whit": "with", "southen": "southern",
    "vegitables": "vegetables", "cacuts": "cactus", "mulit": "multi",
    "silhouet": "silhouette", "tickey": "ticket", "lizzard": "lizard", "racquets": "rackets",
    "icecream": "ice cream", "airplaine": "airplane", "umberella": "umbrella",
    "logaritmic": "logarithmic", "magnifing": "magnifying", "pettle": "petal",
    "mateya": "", "jabbear": "bear",
}  # fmt: skip
"""Words as their authors wrote them."""

TITLES = titles("openclipart_titles.txt")
