"""Life and bank text in France."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="FR",
    currency="EUR",
    price_level=1,
    first_names=("Camille", "Théo", "Inès", "Baptiste", "Margaux", "Yacine"),
    last_names=("Delacroix", "Moreau", "Benali", "Lefèvre", "Girard", "Rousselot"),
    cities=("PARIS 11", "LYON 03", "NANTES", "TOULOUSE", "LILLE"),
    employers=("ATELIERS DU RHONE SAS", "MAIRIE DE MONTREUIL", "OPALE CONSEIL SA"),
    landlords=("FONCIA IMMOBILIER", "SCI LES TILLEULS", "CREDIT LOGEMENT"),
    shops={
        "groceries": (
            Merchant(
                "Carrefour City", "CARREFOUR CITY {city}", "FOOD_AND_DRINK_GROCERIES", 700, 6400, "5411"
            ),
            Merchant("Monoprix", "MONOPRIX {store}", "FOOD_AND_DRINK_GROCERIES", 900, 7800, "5411"),
            Merchant("Picard", "PICARD SA {store}", "FOOD_AND_DRINK_GROCERIES", 800, 4600, "5411"),
        ),
        "restaurant": (
            Merchant("Bouillon Pigalle", "BOUILLON PIGALLE", "FOOD_AND_DRINK_RESTAURANT", 1500, 5200, "5812"),
            Merchant("Uber Eats", "UBER * EATS PENDING", "FOOD_AND_DRINK_RESTAURANT", 1600, 4200, "5812"),
            Merchant("Brioche Dorée", "BRIOCHE DOREE {store}", "FOOD_AND_DRINK_FAST_FOOD", 500, 1400, "5814"),
        ),
        "coffee": (
            Merchant("Columbus Café", "COLUMBUS CAFE", "FOOD_AND_DRINK_COFFEE", 360, 360, "5814"),
            Merchant("Paul", "PAUL {store}", "FOOD_AND_DRINK_COFFEE", 310, 310, "5462"),
        ),
        "fuel": (
            Merchant("TotalEnergies", "TOTAL {city} {store}", "TRANSPORTATION_GAS", 3500, 9000, "5542"),
        ),
        "transport": (
            Merchant("RATP", "RATP 75{store}", "TRANSPORTATION_PUBLIC_TRANSIT", 215, 1690, "4111"),
            Merchant("SNCF Connect", "SNCF INTERNET", "TRANSPORTATION_PUBLIC_TRANSIT", 1600, 9800, "4112"),
        ),
        "online": (
            Merchant(
                "Amazon", "AMAZON PAYMENTS", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 600, 11900, "5942"
            ),
            Merchant("Fnac", "FNAC.COM", "GENERAL_MERCHANDISE_ELECTRONICS", 900, 29900, "5732"),
            Merchant("Vinted", "VINTED", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 500, 4200, "5651"),
        ),
        "health": (
            Merchant(
                "Pharmacie", "PHARMACIE CENTRALE", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 400, 3600, "5912"
            ),
        ),
        "subscription": (
            Merchant("Netflix", "NETFLIX.COM", "ENTERTAINMENT_TV_AND_MOVIES", 1349, 1349, "4899"),
            Merchant("Deezer", "DEEZER", "ENTERTAINMENT_MUSIC_AND_AUDIO", 1199, 1199, "5815"),
            Merchant(
                "Basic-Fit", "BASIC FIT FRANCE", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 2499, 2499, "7997"
            ),
        ),
        "bill": (
            Merchant(
                "EDF",
                "EDF CLIENTS PARTICULIERS",
                "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY",
                7200,
                13800,
                "4900",
            ),
            Merchant("Free", "FREE TELECOM", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", 2999, 2999, "4814"),
            Merchant("MAIF", "MAIF", "GENERAL_SERVICES_INSURANCE", 4106, 4106, "6300"),
        ),
        "cash": (Merchant("Cash machine", "DAB {city}", "TRANSFER_OUT_WITHDRAWAL", 2000, 15000, "6011"),),
    },
    texts={
        Kind.CARD: "CARTE {date:%d/%m} {raw} CB*{card}",
        Kind.ONLINE: "CARTE {date:%d/%m} {raw} CB*{card}",
        Kind.ATM: "RETRAIT DAB {date:%d/%m} {raw} CB*{card}",
        Kind.ABROAD: "CARTE {date:%d/%m} {raw} {original} COURS {rate}",
        Kind.REFUND: "AVOIR {date:%d/%m} {raw} CB*{card}",
        Kind.DIRECT_DEBIT: (
            "PRLV SEPA {raw} ECH/{date:%d%m%y} ID EMETTEUR/FR12ZZZ123456 MDT/{mandate} REF/{ref}"
        ),
        Kind.STANDING_ORDER: "VIR SEPA PERMANENT {raw} MOTIF LOYER {date:%m/%Y}",
        Kind.SALARY: "VIR SEPA RECU /DE {raw} /MOTIF SALAIRE {date:%m/%Y} /REF {ref}",
        Kind.PEER_IN: "VIR INSTANTANE RECU DE {raw}",
        Kind.PEER_OUT: "VIR INSTANTANE EMIS /BEN {raw}",
        Kind.TRANSFER_OUT: "VIREMENT VERS LIVRET {other}",
        Kind.TRANSFER_IN: "VIREMENT DEPUIS COMPTE {other}",
        Kind.SETTLEMENT_OUT: "DEBIT DIFFERE CARTE {date:%m/%Y}",
        Kind.SETTLEMENT_IN: "REGLEMENT CARTE",
        Kind.EXCHANGE_OUT: "CHANGE VERS COMPTE {other}",
        Kind.EXCHANGE_IN: "CHANGE DEPUIS COMPTE {other}",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "INTERETS CREDITEURS",
    },
    held_text="AUTORISATION {raw}",
    account_names={
        Role.CHECKING: "Compte de dépôt",
        Role.SAVINGS: "Livret A",
        Role.CARD: "Carte Visa Premier",
        Role.WALLET: "Compte en devises",
    },
    iban_format="NNNNNNNNNNNNNNNNNNNNNNN",
)
