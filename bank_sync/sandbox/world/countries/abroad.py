"""Merchants met while travelling; their prices are in their own currency's minor units."""

from bank_sync.sandbox.world.model import Merchant

MERCHANTS = (
    Merchant("Migros", "MIGROS ZUERICH HB", "FOOD_AND_DRINK_GROCERIES", 900, 4800, "5411", None, "CHF"),
    Merchant("SBB", "SBB CFF FFS EASYRIDE", "TRANSPORTATION_PUBLIC_TRANSIT", 340, 5600, "4111", None, "CHF"),
    Merchant(
        "Lawson",
        "LAWSON SHIBUYA TOKYO",
        "GENERAL_MERCHANDISE_CONVENIENCE_STORES",
        320,
        2400,
        "5499",
        None,
        "JPY",
    ),
    Merchant(
        "JR East", "JR EAST SUICA TOKYO", "TRANSPORTATION_PUBLIC_TRANSIT", 1000, 5000, "4111", None, "JPY"
    ),
    Merchant("Ichiran", "ICHIRAN SHINJUKU", "FOOD_AND_DRINK_RESTAURANT", 980, 3400, "5812", None, "JPY"),
    Merchant(
        "Sultan Center",
        "THE SULTAN CENTER SALMIYA",
        "FOOD_AND_DRINK_GROCERIES",
        2150,
        18750,
        "5411",
        None,
        "KWD",
    ),
    Merchant("Talabat", "TALABAT KUWAIT", "FOOD_AND_DRINK_RESTAURANT", 1875, 9250, "5812", None, "KWD"),
    Merchant("Hilton", "HILTON HOTELS {city}", "TRAVEL_LODGING", 12900, 34900, "3504", "hilton.com", "USD"),
    Merchant(
        "Zara", "ZARA {city}", "GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES", 1995, 9900, "5651", None, "EUR"
    ),
    Merchant(
        "Pret A Manger", "PRET A MANGER HEATHROW", "FOOD_AND_DRINK_FAST_FOOD", 345, 1290, "5814", None, "GBP"
    ),
)
