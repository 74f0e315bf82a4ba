"""Names that are expected where a function wants a free text: common places and first names."""

from __future__ import annotations

PLACES = tuple(
    name.strip()
    for name in """
    london, paris, berlin, rome, madrid, lisbon, dublin, amsterdam, brussels, vienna, prague, warsaw, budapest,
    athens, oslo, stockholm, copenhagen, helsinki, zurich, geneva, munich, hamburg, frankfurt, barcelona, milan,
    venice, naples, moscow, istanbul, cairo, nairobi, lagos, johannesburg, cape town, dubai, jerusalem, tel aviv,
    bombay, delhi, new delhi, shanghai, beijing, hong kong, singapore, bangkok, jakarta, manila, seoul, tokyo,
    kyoto, osaka, sydney, melbourne, brisbane, perth, auckland, toronto, montreal, vancouver, ottawa, calgary,
    new york, san francisco, los angeles, chicago, boston, seattle, washington, philadelphia, houston, dallas,
    austin, miami, atlanta, denver, phoenix, las vegas, san diego, san jose, portland, orlando, detroit,
    minneapolis, saint louis, new orleans, nashville, baltimore, cleveland, pittsburgh, salt lake city, honolulu,
    kansas city, redmond, cambridge, oxford, manchester, liverpool, birmingham, edinburgh, glasgow, mexico city,
    havana, bogota, lima, santiago, buenos aires, rio de janeiro, england, france, germany, spain, italy, japan,
    china, india, canada, australia, america, california, texas, florida
    """.replace("\n", " ").split(",")
)
FIRST_NAMES = tuple(
    name.strip()
    for name in """
    alice, anna, ben, bob, carol, charlie, daniel, david, emma, frank, george, helen, jack, james, jane, john,
    julia, kate, laura, lisa, lucy, maria, mark, martin, mary, michael, mike, nancy, oliver, paul, peter, rachel,
    robert, sam, sarah, steve, susan, thomas, tom
    """.replace("\n", " ").split(",")
)
