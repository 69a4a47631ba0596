"""Life and bank text in the United Kingdom."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="GB",
    currency="GBP",
    price_level=1,
    first_names=("Imogen", "Callum", "Aisha", "Rhys", "Beatrice", "Dev"),
    last_names=("Ashworth", "Pemberton", "Khan", "Llewellyn", "Barlow", "Mistry"),
    cities=("LONDON", "LEEDS", "BRISTOL", "MANCHESTER", "CARDIFF"),
    employers=("NORTHBRIDGE COUNCIL", "HALDANE RETAIL LTD", "KESTREL SOFTWARE LTD"),
    landlords=("FOXTONS LETTINGS", "M J ALDRIDGE", "BARNSBURY HOUSING"),
    shops={
        "groceries": (
            Merchant("Tesco", "TESCO STORES {store}", "FOOD_AND_DRINK_GROCERIES", 800, 8200, "5411"),
            Merchant("Sainsbury's", "SAINSBURYS S/MKTS", "FOOD_AND_DRINK_GROCERIES", 700, 7600, "5411"),
            Merchant("Lidl", "LIDL GB {city}", "FOOD_AND_DRINK_GROCERIES", 600, 5200, "5411"),
            Merchant("M&S Food", "MARKS&SPENCER PLC SACA", "FOOD_AND_DRINK_GROCERIES", 500, 4400, "5411"),
        ),
        "restaurant": (
            Merchant("Nando's", "NANDOS {city}", "FOOD_AND_DRINK_RESTAURANT", 1300, 4200, "5812"),
            Merchant("Greggs", "GREGGS PLC", "FOOD_AND_DRINK_FAST_FOOD", 250, 890, "5814"),
            Merchant(
                "The Crown", "SumUp *THE CROWN", "FOOD_AND_DRINK_BEER_WINE_AND_LIQUOR", 600, 3800, "5813"
            ),
        ),
        "coffee": (
            Merchant("Pret A Manger", "PRET A MANGER", "FOOD_AND_DRINK_COFFEE", 345, 345, "5814"),
            Merchant("Costa Coffee", "COSTA COFFEE 4301{store}", "FOOD_AND_DRINK_COFFEE", 395, 395, "5814"),
        ),
        "fuel": (
            Merchant("BP", "BP {city} SERVICE STN", "TRANSPORTATION_GAS", 3000, 7800, "5542"),
            Merchant("Esso", "MFG ESSO {city}", "TRANSPORTATION_GAS", 2500, 7000, "5542"),
        ),
        "transport": (
            Merchant(
                "Transport for London", "TFL TRAVEL CH", "TRANSPORTATION_PUBLIC_TRANSIT", 175, 890, "4111"
            ),
            Merchant("Trainline", "TRAINLINE.COM", "TRANSPORTATION_PUBLIC_TRANSIT", 900, 7800, "4112"),
        ),
        "online": (
            Merchant(
                "Amazon", "AMZNMktplace*{ref}", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 500, 11000, "5942"
            ),
            Merchant("ASOS", "ASOS.COM", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 1500, 9500, "5651"),
            Merchant("Argos", "ARGOS LTD", "GENERAL_MERCHANDISE_DEPARTMENT_STORES", 900, 14900, "5311"),
        ),
        "health": (
            Merchant("Boots", "BOOTS {store}", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 300, 3400, "5912"),
        ),
        "subscription": (
            Merchant(
                "Netflix", "NETFLIX.COM", "ENTERTAINMENT_TV_AND_MOVIES", 1099, 1099, "4899", "netflix.com"
            ),
            Merchant(
                "Spotify", "Spotify UK", "ENTERTAINMENT_MUSIC_AND_AUDIO", 1199, 1199, "5815", "spotify.com"
            ),
            Merchant("PureGym", "PUREGYM LTD", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 2499, 2499, "7997"),
        ),
        "bill": (
            Merchant(
                "Octopus Energy",
                "OCTOPUS ENERGY",
                "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY",
                7400,
                18800,
                "4900",
            ),
            Merchant("Thames Water", "THAMES WATER", "RENT_AND_UTILITIES_WATER", 3350, 3350, "4900"),
            Merchant("Vodafone", "VODAFONE LIMITED", "RENT_AND_UTILITIES_TELEPHONE", 2200, 2200, "4814"),
            Merchant("Aviva", "AVIVA", "GENERAL_SERVICES_INSURANCE", 3875, 3875, "6300"),
        ),
        "cash": (
            Merchant("Cash machine", "NOTEMACHINE {city}", "TRANSFER_OUT_WITHDRAWAL", 2000, 10000, "6011"),
        ),
    },
    texts={
        Kind.CARD: "CARD PAYMENT TO {raw},{amount} {currency}, RATE 1.00/{currency} ON {date:%d-%m-%Y}",
        Kind.ONLINE: "CARD PAYMENT TO {raw},{amount} {currency}, RATE 1.00/{currency} ON {date:%d-%m-%Y}",
        Kind.ATM: "CASH WITHDRAWAL AT {raw},{amount} {currency} ON {date:%d-%m-%Y}",
        Kind.ABROAD: "CARD PAYMENT TO {raw},{original}, RATE {rate}/{currency} ON {date:%d-%m-%Y}",
        Kind.REFUND: "CREDIT FROM {raw} ON {date:%Y-%m-%d}",
        Kind.DIRECT_DEBIT: "DIRECT DEBIT PAYMENT TO {raw} REF {mandate}, MANDATE NO {store}",
        Kind.STANDING_ORDER: "STANDING ORDER VIA FASTER PAYMENT TO {raw} REFERENCE RENT, MANDATE NO {store}",
        Kind.SALARY: "BANK GIRO CREDIT REF {raw}, SALARY {date:%b%y}",
        Kind.PEER_IN: "FASTER PAYMENTS RECEIPT REF.{ref} FROM {raw}",
        Kind.PEER_OUT: "BILL PAYMENT VIA FASTER PAYMENT TO {raw} REFERENCE {ref}",
        Kind.TRANSFER_OUT: "TRANSFER TO ACCOUNT ENDING {other}",
        Kind.TRANSFER_IN: "TRANSFER FROM ACCOUNT ENDING {other}",
        Kind.SETTLEMENT_OUT: "DIRECT DEBIT PAYMENT TO CREDIT CARD REF {ref}",
        Kind.SETTLEMENT_IN: "PAYMENT RECEIVED - THANK YOU",
        Kind.EXCHANGE_OUT: "Exchanged to pocket {other}",
        Kind.EXCHANGE_IN: "Exchanged from GBP",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "INTEREST PAID AFTER TAX 0.00 DEDUCTED",
    },
    held_text="{raw}",
    account_names={
        Role.CHECKING: "Current Account",
        Role.SAVINGS: "Easy Saver",
        Role.CARD: "All in One Credit Card",
        Role.WALLET: "Currency Pocket",
    },
    iban_format="{bank}NNNNNNNNNNNNNN",
)
