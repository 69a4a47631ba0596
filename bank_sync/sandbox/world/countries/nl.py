"""Life and bank text in the Netherlands."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="NL",
    currency="EUR",
    price_level=1,
    first_names=("Sanne", "Daan", "Fatima", "Bram", "Lotte", "Sem"),
    last_names=("de Vries", "van den Berg", "El Amrani", "Hoekstra", "Visser", "Kuipers"),
    cities=("AMSTERDAM", "UTRECHT", "ROTTERDAM", "GRONINGEN"),
    employers=("Gemeente Utrecht", "Polder Software B.V.", "Waterland Zorg"),
    landlords=("Woonstad Rotterdam", "Ymere", "Hypotheek Huis B.V."),
    shops={
        "groceries": (
            Merchant("Albert Heijn", "Albert Heijn {store}", "FOOD_AND_DRINK_GROCERIES", 600, 7200, "5411"),
            Merchant("Jumbo", "Jumbo {city}", "FOOD_AND_DRINK_GROCERIES", 700, 7400, "5411"),
            Merchant("Kruidvat", "Kruidvat {store}", "PERSONAL_CARE_OTHER_PERSONAL_CARE", 300, 2800, "5912"),
        ),
        "restaurant": (
            Merchant("Thuisbezorgd", "Thuisbezorgd.nl", "FOOD_AND_DRINK_RESTAURANT", 1500, 4600, "5812"),
            Merchant("FEBO", "FEBO {city}", "FOOD_AND_DRINK_FAST_FOOD", 350, 1400, "5814"),
            Merchant("Café de Jaren", "CCV*CAFE DE JAREN", "FOOD_AND_DRINK_RESTAURANT", 900, 4800, "5812"),
        ),
        "coffee": (
            Merchant("Coffeecompany", "CCV*COFFEECOMPANY", "FOOD_AND_DRINK_COFFEE", 375, 375, "5814"),
            Merchant("Kiosk", "KIOSK {city} CS", "FOOD_AND_DRINK_COFFEE", 320, 320, "5814"),
        ),
        "fuel": (Merchant("Tango", "TANGO {city}", "TRANSPORTATION_GAS", 3500, 8800, "5542"),),
        "transport": (
            Merchant("NS", "NLOV{ref}", "TRANSPORTATION_PUBLIC_TRANSIT", 240, 2900, "4111"),
            Merchant("GVB", "GVB {city}", "TRANSPORTATION_PUBLIC_TRANSIT", 110, 900, "4111"),
        ),
        "online": (
            Merchant(
                "bol.com", "bol.com b.v.", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 700, 12900, "5942"
            ),
            Merchant("Coolblue", "Coolblue B.V.", "GENERAL_MERCHANDISE_ELECTRONICS", 1500, 34900, "5732"),
        ),
        "health": (
            Merchant("Etos", "Etos {store}", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 300, 2600, "5912"),
        ),
        "subscription": (
            Merchant(
                "Netflix", "NETFLIX INTERNATIONAL B.V.", "ENTERTAINMENT_TV_AND_MOVIES", 1399, 1399, "4899"
            ),
            Merchant("Videoland", "VIDEOLAND", "ENTERTAINMENT_TV_AND_MOVIES", 1199, 1199, "4899"),
            Merchant(
                "SportCity", "SPORTCITY BV", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 3990, 3990, "7997"
            ),
        ),
        "bill": (
            Merchant(
                "Eneco", "Eneco Services", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", 13400, 13400, "4900"
            ),
            Merchant("Waternet", "Waternet", "RENT_AND_UTILITIES_WATER", 2150, 2150, "4900"),
            Merchant("KPN", "KPN B.V.", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", 5250, 5250, "4814"),
            Merchant(
                "Zilveren Kruis",
                "Zilveren Kruis Zorgverz",
                "GENERAL_SERVICES_INSURANCE",
                14895,
                14895,
                "6300",
            ),
        ),
        "cash": (
            Merchant("Cash machine", "Geldmaat {city}", "TRANSFER_OUT_WITHDRAWAL", 2000, 10000, "6011"),
        ),
    },
    texts={
        Kind.CARD: "BEA, Betaalpas {raw},PAS{store} NR:{ref}, {date:%d.%m.%y}/17:33 {city}",
        Kind.ONLINE: "/TRTP/iDEAL/IBAN/{iban}/BIC/INGBNL2A/NAME/{raw}/REMI/{ref}/EREF/{ref}",
        Kind.ATM: "GEA, Betaalpas {raw},PAS{store} NR:{ref}, {date:%d.%m.%y}/12:10",
        Kind.ABROAD: "BEA, Betaalpas {raw},PAS{store} {original} KOERS {rate}",
        Kind.REFUND: "/TRTP/SEPA OVERBOEKING/NAME/{raw}/REMI/Retour {ref}",
        Kind.DIRECT_DEBIT: (
            "/TRTP/SEPA Incasso algemeen doorlopend/CSID/NL12ZZZ300000000000/NAME/{raw}"
            "/MARF/{mandate}/REMI/Factuur {ref}/IBAN/{iban}/EREF/{ref}"
        ),
        Kind.STANDING_ORDER: "/TRTP/SEPA Periodieke overb./IBAN/{iban}/NAME/{raw}/REMI/Huur {date:%m-%Y}",
        Kind.SALARY: "/TRTP/SEPA OVERBOEKING/IBAN/{iban}/NAME/{raw}/REMI/Salaris {date:%m-%Y}/EREF/{ref}",
        Kind.PEER_IN: "/TRTP/SEPA OVERBOEKING/NAME/{raw}/REMI/Tikkie ID {ref}",
        Kind.PEER_OUT: "/TRTP/iDEAL/NAME/{raw} via Tikkie/REMI/Tikkie ID {ref}",
        Kind.TRANSFER_OUT: "Naar spaarrekening {other}",
        Kind.TRANSFER_IN: "Van betaalrekening {other}",
        Kind.SETTLEMENT_OUT: "/TRTP/SEPA Incasso/NAME/ICS Cards/REMI/Afrekening {date:%m-%Y}",
        Kind.SETTLEMENT_IN: "GEINCASSEERD VORIG SALDO",
        Kind.EXCHANGE_OUT: "Gewisseld naar rekening {other}",
        Kind.EXCHANGE_IN: "Gewisseld van rekening {other}",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "CREDITRENTE {date:%m-%Y}",
    },
    held_text="Gereserveerd {raw}",
    account_names={
        Role.CHECKING: "Betaalrekening",
        Role.SAVINGS: "Oranje Spaarrekening",
        Role.CARD: "World Card",
        Role.WALLET: "Valutarekening",
    },
    iban_format="{bank}NNNNNNNNNN",
)
