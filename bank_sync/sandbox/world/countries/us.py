"""Life and bank text in the United States."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="US",
    currency="USD",
    price_level=1,
    first_names=("Maya", "Jordan", "Elena", "Marcus", "Priya", "Tyler", "Grace", "Andre"),
    last_names=("Whitfield", "Castillo", "Nguyen", "Brooks", "Patel", "Okafor", "Lindqvist", "Harper"),
    cities=("OAKLAND CA", "PORTLAND OR", "AUSTIN TX", "CHICAGO IL", "BROOKLYN NY", "DENVER CO"),
    employers=("ACME CORP", "LUMEN HEALTH", "HARBOR FREIGHT LOGISTICS", "NORTHWIND TRADERS"),
    landlords=("GREYSTAR PROPERTIES", "MAPLE COURT APTS", "HOMEPOINT MORTGAGE"),
    shops={
        "groceries": (
            Merchant("Trader Joe's", "TRADER JOE S #{store}", "FOOD_AND_DRINK_GROCERIES", 1800, 9400, "5411"),
            Merchant("Safeway", "SAFEWAY #{store}", "FOOD_AND_DRINK_GROCERIES", 1200, 12500, "5411"),
            Merchant("Whole Foods", "WHOLEFDS MKT {store}", "FOOD_AND_DRINK_GROCERIES", 2200, 14800, "5411"),
            Merchant(
                "Costco", "COSTCO WHSE #{store}", "GENERAL_MERCHANDISE_SUPERSTORES", 6000, 24000, "5300"
            ),
            Merchant(
                "Walmart", "WM SUPERCENTER #{store}", "GENERAL_MERCHANDISE_SUPERSTORES", 1500, 13000, "5411"
            ),
        ),
        "restaurant": (
            Merchant("Chipotle", "CHIPOTLE {store}", "FOOD_AND_DRINK_FAST_FOOD", 1050, 2800, "5814"),
            Merchant(
                "Shake Shack", "TST* SHAKE SHACK {store}", "FOOD_AND_DRINK_FAST_FOOD", 1400, 3900, "5814"
            ),
            Merchant(
                "Olive Garden", "OLIVE GARDEN 00{store}", "FOOD_AND_DRINK_RESTAURANT", 2600, 8800, "5812"
            ),
            Merchant("Golden Lotus", "TST* GOLDEN LOTUS", "FOOD_AND_DRINK_RESTAURANT", 2400, 9800, "5812"),
        ),
        "coffee": (
            Merchant("Blue Bottle", "SQ *BLUE BOTTLE {store}", "FOOD_AND_DRINK_COFFEE", 475, 475, "5814"),
            Merchant("Starbucks", "STARBUCKS STORE {store}", "FOOD_AND_DRINK_COFFEE", 545, 545, "5814"),
            Merchant("Peet's Coffee", "PEETS #{store}", "FOOD_AND_DRINK_COFFEE", 495, 495, "5814"),
        ),
        "fuel": (
            Merchant("Chevron", "CHEVRON 0{store}", "TRANSPORTATION_GAS", 2800, 7600, "5542"),
            Merchant("Shell", "SHELL OIL 5744{store}", "TRANSPORTATION_GAS", 2600, 7200, "5542"),
        ),
        "transport": (
            Merchant(
                "Uber",
                "UBER   *TRIP HELP.UBER.COM",
                "TRANSPORTATION_TAXIS_AND_RIDE_SHARES",
                900,
                4200,
                "4121",
            ),
            Merchant(
                "Lyft", "LYFT   *RIDE SUN 6PM", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", 850, 3800, "4121"
            ),
            Merchant("ParkMobile", "PARKMOBILE-{store}", "TRANSPORTATION_PARKING", 200, 1400, "7523"),
        ),
        "online": (
            Merchant(
                "Amazon",
                "AMZN Mktp US*{ref}",
                "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES",
                700,
                16000,
                "5942",
                "amazon.com",
            ),
            Merchant(
                "Target", "TARGET.COM  *", "GENERAL_MERCHANDISE_SUPERSTORES", 1200, 9900, "5310", "target.com"
            ),
            Merchant(
                "Etsy",
                "PAYPAL *ETSY INC",
                "GENERAL_MERCHANDISE_GIFTS_AND_NOVELTIES",
                900,
                7400,
                "5947",
                "etsy.com",
            ),
            Merchant(
                "Best Buy",
                "BESTBUYCOM{ref}",
                "GENERAL_MERCHANDISE_ELECTRONICS",
                1900,
                39900,
                "5732",
                "bestbuy.com",
            ),
        ),
        "health": (
            Merchant(
                "CVS", "CVS/PHARMACY #0{store}", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 600, 5200, "5912"
            ),
            Merchant(
                "Walgreens", "WALGREENS #{store}", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 500, 4800, "5912"
            ),
        ),
        "subscription": (
            Merchant(
                "Netflix", "NETFLIX.COM", "ENTERTAINMENT_TV_AND_MOVIES", 1549, 1549, "4899", "netflix.com"
            ),
            Merchant(
                "Spotify", "SPOTIFY USA", "ENTERTAINMENT_MUSIC_AND_AUDIO", 1199, 1199, "5815", "spotify.com"
            ),
            Merchant(
                "Apple", "APPLE.COM/BILL", "GENERAL_MERCHANDISE_ELECTRONICS", 299, 299, "5818", "apple.com"
            ),
            Merchant(
                "24 Hour Fitness",
                "24 HOUR FITNESS USA",
                "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS",
                4999,
                4999,
                "7997",
            ),
        ),
        "bill": (
            Merchant(
                "PG&E", "PGANDE WEB ONLINE", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY", 6800, 19800, "4900"
            ),
            Merchant(
                "Comcast", "COMCAST CALIFORNIA", "RENT_AND_UTILITIES_INTERNET_AND_CABLE", 7999, 7999, "4899"
            ),
            Merchant(
                "Verizon", "VERIZON WIRELESS PAYMENTS", "RENT_AND_UTILITIES_TELEPHONE", 8500, 8500, "4814"
            ),
            Merchant("GEICO", "GEICO *AUTO", "GENERAL_SERVICES_INSURANCE", 12840, 12840, "6300"),
        ),
        "cash": (Merchant("Cash machine", "ATM {store}", "TRANSFER_OUT_WITHDRAWAL", 4000, 20000, "6011"),),
    },
    texts={
        Kind.CARD: "POS DEBIT {raw} {city}",
        Kind.ONLINE: "POS DEBIT {raw}",
        Kind.ATM: "ATM WITHDRAWAL {store} {date:%m/%d} {city}",
        Kind.ABROAD: "{raw} {date:%m/%d} {original}",
        Kind.REFUND: "POS REFUND {raw}",
        Kind.DIRECT_DEBIT: "ACH DEBIT {raw} {ref}",
        Kind.STANDING_ORDER: "ACH DEBIT {raw} WEB PMTS {ref}",
        Kind.SALARY: "ACH CREDIT {raw} PAYROLL {date:%y%m%d}",
        Kind.PEER_IN: "ZELLE FROM {raw} ON {date:%m/%d} REF # {ref}",
        Kind.PEER_OUT: "ZELLE TO {raw} ON {date:%m/%d} REF # {ref}",
        Kind.TRANSFER_OUT: "ONLINE TRANSFER TO ...{other} {date:%m/%d}",
        Kind.TRANSFER_IN: "ONLINE TRANSFER FROM ...{other} {date:%m/%d}",
        Kind.SETTLEMENT_OUT: "CREDIT CRD AUTOPAY PPD ID: {ref}",
        Kind.SETTLEMENT_IN: "AUTOMATIC PAYMENT - THANK YOU",
        Kind.EXCHANGE_OUT: "FX CONVERSION TO ...{other}",
        Kind.EXCHANGE_IN: "FX CONVERSION FROM ...{other}",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "INTEREST PAYMENT",
    },
    held_text="{raw}",
    account_names={
        Role.CHECKING: "Everyday Checking",
        Role.SAVINGS: "High Yield Savings",
        Role.CARD: "Cash Rewards Card",
        Role.WALLET: "Global Money Account",
    },
    iban_format=None,
)
