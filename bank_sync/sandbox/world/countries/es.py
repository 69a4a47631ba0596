"""Life and bank text in Spain."""

from bank_sync.sandbox.world.model import Country, Kind, Merchant, Role

COUNTRY = Country(
    code="ES",
    currency="EUR",
    price_level=1,
    first_names=("Lucía", "Álvaro", "Nerea", "Hugo", "Carmen", "Iker"),
    last_names=("Ibáñez", "Zubiri", "Montero", "Salgado", "Cabrera", "Ferrer"),
    cities=("MADRID", "BILBAO", "VALENCIA", "SEVILLA"),
    employers=("TALLERES IBERIA SL", "CONSULTORIA LEVANTE SA", "AYUNTAMIENTO DE GETAFE"),
    landlords=("INMOBILIARIA SOL", "ALQUILERES NORTE SL", "HIPOTECARIA CENTRAL"),
    shops={
        "groceries": (
            Merchant("Mercadona", "MERCADONA", "FOOD_AND_DRINK_GROCERIES", 800, 7400, "5411"),
            Merchant("Carrefour", "CARREFOUR EXPRESS", "FOOD_AND_DRINK_GROCERIES", 500, 5200, "5411"),
            Merchant("Dia", "DIA {store}", "FOOD_AND_DRINK_GROCERIES", 400, 3600, "5411"),
        ),
        "restaurant": (
            Merchant("100 Montaditos", "100 MONTADITOS", "FOOD_AND_DRINK_RESTAURANT", 700, 2800, "5812"),
            Merchant("Glovo", "GLOVO {ref}", "FOOD_AND_DRINK_RESTAURANT", 1200, 3800, "5812"),
            Merchant("Casa Paco", "BAR CASA PACO", "FOOD_AND_DRINK_RESTAURANT", 900, 4200, "5812"),
        ),
        "coffee": (
            Merchant("Cafetería Central", "CAFETERIA CENTRAL", "FOOD_AND_DRINK_COFFEE", 180, 180, "5814"),
            Merchant("Granier", "GRANIER {store}", "FOOD_AND_DRINK_COFFEE", 220, 220, "5462"),
        ),
        "fuel": (Merchant("Repsol", "E.S. REPSOL {store}", "TRANSPORTATION_GAS", 3000, 8000, "5542"),),
        "transport": (
            Merchant(
                "Metro de Madrid", "METRO DE MADRID", "TRANSPORTATION_PUBLIC_TRANSIT", 150, 1220, "4111"
            ),
            Merchant("Renfe", "RENFE VIAJEROS", "TRANSPORTATION_PUBLIC_TRANSIT", 900, 7600, "4112"),
        ),
        "online": (
            Merchant(
                "Amazon", "AMZN MKTP ES*{ref}", "GENERAL_MERCHANDISE_ONLINE_MARKETPLACES", 600, 9900, "5942"
            ),
            Merchant(
                "El Corte Inglés",
                "ELCORTEINGLES.ES",
                "GENERAL_MERCHANDISE_DEPARTMENT_STORES",
                1900,
                19900,
                "5311",
            ),
        ),
        "health": (
            Merchant(
                "Farmacia", "FARMACIA LDO. GARCIA", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS", 300, 3200, "5912"
            ),
        ),
        "subscription": (
            Merchant("Netflix", "NETFLIX.COM", "ENTERTAINMENT_TV_AND_MOVIES", 1399, 1399, "4899"),
            Merchant("Filmin", "FILMIN", "ENTERTAINMENT_TV_AND_MOVIES", 999, 999, "4899"),
            Merchant(
                "Altafit", "ALTAFIT GIMNASIOS", "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS", 2890, 2890, "7997"
            ),
        ),
        "bill": (
            Merchant(
                "Iberdrola",
                "IBERDROLA CLIENTES, S.A.U",
                "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY",
                4800,
                11900,
                "4900",
            ),
            Merchant(
                "Movistar",
                "TELEFONICA DE ESPANA",
                "RENT_AND_UTILITIES_INTERNET_AND_CABLE",
                5790,
                5790,
                "4814",
            ),
            Merchant("Mapfre", "MAPFRE ESPANA", "GENERAL_SERVICES_INSURANCE", 3344, 3344, "6300"),
        ),
        "cash": (Merchant("Cash machine", "CAJERO {city}", "TRANSFER_OUT_WITHDRAWAL", 2000, 15000, "6011"),),
    },
    texts={
        Kind.CARD: "COMPRA TARJ. 5402XXXXXXXX{card} {raw}-{city}",
        Kind.ONLINE: "COMPRA TARJ. 5402XXXXXXXX{card} {raw}",
        Kind.ATM: "REINTEGRO {raw} TARJ. 5402XXXXXXXX{card}",
        Kind.ABROAD: "COMPRA TARJ. 5402XXXXXXXX{card} {raw} {original} CAMBIO {rate}",
        Kind.REFUND: "DEVOLUCION COMPRA TARJ. 5402XXXXXXXX{card} {raw}",
        Kind.DIRECT_DEBIT: "RECIBO {raw} NUM. REC. {ref} REF. MANDATO {mandate}",
        Kind.STANDING_ORDER: "TRANSFERENCIA A FAVOR DE {raw} CONCEPTO: ALQUILER {date:%m/%Y}",
        Kind.SALARY: "TRANSFERENCIA DE {raw}, CONCEPTO NOMINA {date:%m/%Y}.",
        Kind.PEER_IN: "BIZUM DE {raw} CONCEPTO CENA",
        Kind.PEER_OUT: "BIZUM A FAVOR DE {raw} CONCEPTO REGALO",
        Kind.TRANSFER_OUT: "TRASPASO A CUENTA {other}",
        Kind.TRANSFER_IN: "TRASPASO DE CUENTA {other}",
        Kind.SETTLEMENT_OUT: "LIQUIDACION TARJETA CREDITO {date:%m/%Y}",
        Kind.SETTLEMENT_IN: "PAGO RECIBIDO",
        Kind.EXCHANGE_OUT: "CAMBIO DE DIVISA A {other}",
        Kind.EXCHANGE_IN: "CAMBIO DE DIVISA DE {other}",
        Kind.FEE: "{raw}",
        Kind.INTEREST: "LIQUIDACION INTERESES A SU FAVOR",
    },
    held_text="RETENCION {raw}",
    account_names={
        Role.CHECKING: "Cuenta Online",
        Role.SAVINGS: "Cuenta Ahorro",
        Role.CARD: "Tarjeta Crédito",
        Role.WALLET: "Cuenta Divisa",
    },
    iban_format="NNNNNNNNNNNNNNNNNNNN",
)
