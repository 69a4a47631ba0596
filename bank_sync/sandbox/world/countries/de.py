"""Life and bank text in Germany."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="DE",
    currency="EUR",
    price_level=1,
    first_names=("Anneliese", "Jonas", "Merve", "Lukas", "Katharina", "Tobias"),
    last_names=("Brandt", "Vogelsang", "Yilmaz", "Köhler", "Schuster", "Reinhardt"),
    cities=("Berlin", "Hamburg", "Koeln", "Leipzig", "Muenchen"),
    employers=("Nordlicht Maschinenbau GmbH", "Stadtwerke Lindau AG", "Kepler Software GmbH"),
    landlords=("Hausverwaltung Ritter", "Vonovia SE", "Baufinanz Sued eG"),
    shops={
        "groceries": (
            Merchant("REWE", "REWE SAGT DANKE. {store}", "FOOD_AND_DRINK_GROCERIES", 900, 8400, "5411"),
            Merchant("ALDI Süd", "ALDI SUED SAGT DANKE", "FOOD_AND_DRINK_GROCERIES", 700, 6200, "5411"),
            Merchant("EDEKA", "EDEKA {city}", "FOOD_AND_DRINK_GROCERIES", 800, 7800, "5411"),
            Merchant(
                "dm", "DM-DROGERIE MARKT {store}", "PERSONAL_CARE_OTHER_PERSONAL_CARE", 400, 4200, "5912"
            ),
        ),
        "restaurant": (
            Merchant("Vapiano", "VAPIANO {city}", "FOOD_AND_DRINK_RESTAURANT", 1400, 4600, "5812"),
            Merchant("Lieferando", "LIEFERANDO.DE", "FOOD_AND_DRINK_RESTAURANT", 1600, 4900, "5812"),
            Merchant(
                "Mustafas Kebap", "SUMUP .MUSTAFAS KEBAP", "FOOD_AND_DRINK_FAST_FOOD", 700, 1900, "5814"
            ),
        ),
        "coffee": (
            Merchant("Einstein Kaffee", "EINSTEIN KAFFEE {city}", "FOOD_AND_DRINK_COFFEE", 380, 380, "5814"),
            Merchant("Backwerk", "BACKWERK {store}", "FOOD_AND_DRINK_COFFEE", 290, 290, "5462"),
        ),
        "fuel": (
            Merchant("Aral", "ARAL STATION {store}", "TRANSPORTATION_GAS", 3500, 9200, "5542"),
            Merchant("Shell", "SHELL {store}", "TRANSPORTATION_GAS", 3300, 8900, "5542"),
        ),
        "transport": (
            Merchant("BVG", "BVG APP", "TRANSPORTATION_PUBLIC_TRANSIT", 320, 990, "4111"),
            Merchant(
                "Deutsche Bahn", "DB VERTRIEB GMBH", "TRANSPORTATION_PUBLIC_TRANSIT", 1790, 8900, "4112"
            ),
        ),
        "online": (
            Merchant(
                "Amazon",
                "AMAZON PAYMENTS EUROPE S.C.A.",
                "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES",
                600,
                12900,
                "5942",
            ),
            Merchant(
                "Zalando", "ZALANDO SE", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 1900, 14900, "5651"
            ),
            Merchant(
                "MediaMarkt", "MEDIAMARKT ONLINE", "GENERAL_MERCHANDISE_ELECTRONICS", 1500, 39900, "5732"
            ),
        ),
        "health": (
            Merchant(
                "Apotheke", "APOTHEKE AM MARKT", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 500, 3800, "5912"
            ),
        ),
        "subscription": (
            Merchant(
                "Netflix", "NETFLIX INTERNATIONAL B.V.", "ENTERTAINMENT_TV_AND_MOVIES", 1399, 1399, "4899"
            ),
            Merchant("Spotify", "SPOTIFY AB", "ENTERTAINMENT_MUSIC_AND_AUDIO", 1099, 1099, "5815"),
            Merchant("McFit", "RSG GROUP GMBH", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 2490, 2490, "7997"),
        ),
        "bill": (
            Merchant(
                "Vattenfall",
                "Vattenfall Europe Sales",
                "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY",
                8900,
                8900,
                "4900",
            ),
            Merchant(
                "Telekom",
                "Telekom Deutschland GmbH",
                "RENT_AND_UTILITIES_INTERNET_AND_CABLE",
                4495,
                4495,
                "4814",
            ),
            Merchant("HUK-COBURG", "HUK-COBURG VVaG", "GENERAL_SERVICES_INSURANCE", 5812, 5812, "6300"),
            Merchant(
                "Rundfunk ARD",
                "Rundfunk ARD, ZDF, DRadio",
                "RENT_AND_UTILITIES_OTHER_UTILITIES",
                1836,
                1836,
                "4899",
            ),
        ),
        "cash": (
            Merchant(
                "Cash machine", "GA NR{store} BLZ10070024", "TRANSFER_OUT_WITHDRAWAL", 2000, 20000, "6011"
            ),
        ),
    },
    texts={
        Kind.CARD: "VISA Debitkartenumsatz {raw}//{city}/DE {date:%Y-%m-%d} KFN 1 VJ 2712",
        Kind.ONLINE: "SVWZ+{ref} {raw} Ihr Einkauf EREF+{ref} MREF+{mandate} CRED+DE98ZZZ09999999999",
        Kind.ATM: "{raw} {date:%d.%m.%Y}/{date:%d.%m} Bargeldauszahlung {city}",
        Kind.ABROAD: "VISA Debitkartenumsatz {raw} {date:%Y-%m-%d} {original} Kurs {rate}",
        Kind.REFUND: "SVWZ+Gutschrift {raw} EREF+{ref}",
        Kind.DIRECT_DEBIT: "SVWZ+Rechnung {ref} EREF+{ref} MREF+{mandate} CRED+DE42ZZZ00000123456",
        Kind.STANDING_ORDER: "SVWZ+Miete {date:%m.%Y} {person} EREF+NOTPROVIDED",
        Kind.SALARY: "SVWZ+Lohn/Gehalt {date:%m.%Y} EREF+{ref} PURP+SALA",
        Kind.PEER_IN: "SVWZ+Danke fuer gestern EREF+NOTPROVIDED",
        Kind.PEER_OUT: "SVWZ+Anteil Abendessen EREF+NOTPROVIDED",
        Kind.TRANSFER_OUT: "SVWZ+Uebertrag Tagesgeld {other}",
        Kind.TRANSFER_IN: "SVWZ+Uebertrag Girokonto {other}",
        Kind.SETTLEMENT_OUT: "SVWZ+Kreditkartenabrechnung {date:%m.%Y} EREF+{ref}",
        Kind.SETTLEMENT_IN: "EINZUG DES RECHNUNGSBETRAGES",
        Kind.EXCHANGE_OUT: "SVWZ+Umtausch in Waehrungskonto {other}",
        Kind.EXCHANGE_IN: "SVWZ+Umtausch aus EUR-Konto {other}",
        Kind.FEE: "SVWZ+Entgeltabschluss {raw}",
        Kind.INTEREST: "SVWZ+Habenzinsen {date:%m.%Y}",
    },
    held_text="Vorgemerkt {raw}",
    account_names={
        Role.CHECKING: "Girokonto",
        Role.SAVINGS: "Tagesgeld",
        Role.CARD: "Mastercard Gold",
        Role.WALLET: "Währungskonto",
    },
    iban_format="NNNNNNNNNNNNNNNNNN",
)
