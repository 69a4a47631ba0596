"""Life and bank text in Sweden."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="SE",
    currency="SEK",
    price_level=10,
    first_names=("Astrid", "Elias", "Saga", "Viktor", "Leila", "Nils"),
    last_names=("Bergström", "Lundgren", "Holm", "Haddad", "Sjöberg", "Ek"),
    cities=("STOCKHOLM", "GÖTEBORG", "MALMÖ", "UPPSALA"),
    employers=("REGION STOCKHOLM", "NORDKAP TEKNIK AB", "SKOG & PAPPER AB"),
    landlords=("STOCKHOLMSHEM", "WALLENSTAM AB", "SBAB BOLAN"),
    shops={
        "groceries": (
            Merchant("ICA", "ICA NARA {city}", "FOOD_AND_DRINK_GROCERIES", 7000, 78000, "5411"),
            Merchant("Coop", "COOP {store}", "FOOD_AND_DRINK_GROCERIES", 6000, 70000, "5411"),
            Merchant(
                "Systembolaget",
                "SYSTEMBOLAGET {store}",
                "FOOD_AND_DRINK_BEER_WINE_AND_LIQUOR",
                9000,
                54000,
                "5921",
            ),
        ),
        "restaurant": (
            Merchant("MAX", "MAX BURGERS {store}", "FOOD_AND_DRINK_FAST_FOOD", 9500, 24000, "5814"),
            Merchant("Foodora", "FOODORA AB", "FOOD_AND_DRINK_RESTAURANT", 14500, 42000, "5812"),
        ),
        "coffee": (
            Merchant("Espresso House", "ESPRESSO HOUSE {store}", "FOOD_AND_DRINK_COFFEE", 4900, 4900, "5814"),
            Merchant("Pressbyrån", "PRESSBYRAN {store}", "FOOD_AND_DRINK_COFFEE", 2900, 2900, "5814"),
        ),
        "fuel": (Merchant("Circle K", "CIRCLE K {city}", "TRANSPORTATION_GAS", 35000, 95000, "5542"),),
        "transport": (
            Merchant("SL", "SL {city}", "TRANSPORTATION_PUBLIC_TRANSIT", 4200, 4200, "4111"),
            Merchant("SJ", "SJ INTERNET", "TRANSPORTATION_PUBLIC_TRANSIT", 19500, 89500, "4112"),
        ),
        "online": (
            Merchant(
                "Klarna", "KLARNA*{ref}", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 9900, 129900, "5942"
            ),
            Merchant(
                "H&M", "HM ONLINE", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 14900, 89900, "5651"
            ),
        ),
        "health": (
            Merchant(
                "Apoteket", "APOTEKET {store}", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 4500, 34500, "5912"
            ),
        ),
        "subscription": (
            Merchant("Netflix", "NETFLIX.COM", "ENTERTAINMENT_TV_AND_MOVIES", 14900, 14900, "4899"),
            Merchant("Spotify", "SPOTIFY", "ENTERTAINMENT_MUSIC_AND_AUDIO", 12900, 12900, "5815"),
            Merchant(
                "SATS", "SATS SPORTS CLUB", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 54900, 54900, "7997"
            ),
        ),
        "bill": (
            Merchant(
                "Vattenfall", "VATTENFALL AB", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", 48000, 134000, "4900"
            ),
            Merchant("Telia", "TELIA SVERIGE AB", "RENT_AND_UTILITIES_TELEPHONE", 49900, 49900, "4814"),
            Merchant("Folksam", "FOLKSAM", "GENERAL_SERVICES_INSURANCE", 31200, 31200, "6300"),
        ),
        "cash": (
            Merchant("Cash machine", "BANKOMAT {city}", "TRANSFER_OUT_WITHDRAWAL", 20000, 100000, "6011"),
        ),
    },
    texts={
        Kind.CARD: "Kortköp {date:%y%m%d} {raw}",
        Kind.ONLINE: "Kortköp {date:%y%m%d} {raw}",
        Kind.ATM: "Uttag {date:%y%m%d} {raw}",
        Kind.ABROAD: "Kortköp {date:%y%m%d} {raw} {original} kurs {rate}",
        Kind.REFUND: "Kortretur {date:%y%m%d} {raw}",
        Kind.DIRECT_DEBIT: "Autogiro {raw} {mandate}",
        Kind.STANDING_ORDER: "Bg-bet. via internet {raw} OCR {ref}",
        Kind.SALARY: "Lön {raw}",
        Kind.PEER_IN: "Swish från {raw}",
        Kind.PEER_OUT: "Swish till {raw}",
        Kind.TRANSFER_OUT: "Överföring till {other}",
        Kind.TRANSFER_IN: "Överföring från {other}",
        Kind.SETTLEMENT_OUT: "Autogiro kreditkort {date:%y%m}",
        Kind.SETTLEMENT_IN: "Betalning mottagen",
        Kind.EXCHANGE_OUT: "Valutaväxling till {other}",
        Kind.EXCHANGE_IN: "Valutaväxling från {other}",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "Ränta",
    },
    held_text="Skyddat belopp {raw}",
    account_names={
        Role.CHECKING: "Privatkonto",
        Role.SAVINGS: "Sparkonto",
        Role.CARD: "Mastercard",
        Role.WALLET: "Valutakonto",
    },
    iban_format="NNNNNNNNNNNNNNNNNNNN",
)
