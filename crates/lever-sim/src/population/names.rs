//! The lists that people and companies are put together from. All of it is invented.

pub(super) const FIRST: &[&str] = &[
    "Ada", "Amara", "Anneke", "Bao", "Beatriz", "Caspian", "Chidi", "Dagny", "Devon", "Elif",
    "Emeka", "Farah", "Gray", "Hana", "Imani", "Ines", "Jonas", "Kendall", "Kofi", "Leilani",
    "Lorcan", "Mateo", "Mirela", "Noor", "Oisín", "Priya", "Quinn", "Ravi", "Reese", "Saoirse",
    "Søren", "Tamsin", "Umber", "Vale", "Wren", "Xen", "Yusra", "Zofia",
];

pub(super) const LAST: &[&str] = &[
    "Abernorth",
    "Blackwater",
    "Calderwick",
    "Dunmarsh",
    "Eastfold",
    "Fernhollow",
    "Galloway",
    "Hartwick",
    "Ironvale",
    "Juniper",
    "Kestrelby",
    "Lowmoor",
    "Marshfield",
    "Northgate",
    "Oakhurst",
    "Pinecrest",
    "Quillby",
    "Ravenscar",
    "Stonebrook",
    "Thornbury",
    "Umberley",
    "Vintersol",
    "Westmarch",
    "Yarrowdale",
    "Zephyrson",
    "Ångström",
    "Nuñedo",
    "Łąkowa",
];

/// Names in other scripts, with a Latin form for the address.
pub(super) const OTHER_SCRIPTS: &[(&str, &str)] = &[
    ("王 小云", "wang.xiaoyun"),
    ("李 思远", "li.siyuan"),
    ("佐藤 ひかり", "sato.hikari"),
    ("김 하늘", "kim.haneul"),
    ("Ольга Зимина", "olga.zimina"),
    ("Никос Θαλασσινός", "nikos.thalassinos"),
    ("ليلى النجار", "layla.alnajjar"),
    ("אורי ברוש", "uri.brosh"),
    ("अनिका वर्मा", "anika.verma"),
    ("ธาริน แสงดาว", "tharin.saengdao"),
];

pub(super) const COMPANIES: &[&str] = &[
    "Acme Test Co",
    "Northwind Demo",
    "Contoso Demo",
    "Example Corp",
    "Placeholder Ltd",
    "Sample Industries",
    "Bluebird Labs",
    "Granite Works",
    "Harbor Systems",
    "Lantern Health",
    "Meridian Foods",
    "Orchard Analytics",
    "Paper Kite Media",
    "Quarry Robotics",
    "Tidewater Bank",
];

pub(super) const PLACES: &[&str] = &[
    "San Francisco",
    "New York",
    "Berlin",
    "London",
    "Athens",
    "Toronto",
    "Lagos",
    "São Paulo",
    "Bengaluru",
    "Tokyo",
    "",
];

pub(super) const EXTRA_TAGS: &[&str] = &[
    "SaaS",
    "Top Talent",
    "Talent Pool",
    "iOS",
    "Android",
    "Senior",
    "Junior",
    "Spanish",
    "French",
    "Resume",
    "Full-Time",
    "silver medalist",
    "alumni",
];

pub(super) const COMMENTS: &[&str] = &[
    "Strong portfolio, let's move quickly.",
    "Asked to reconnect next quarter.",
    "Left a voicemail, will try again on Thursday.",
    "Great conversation about the team; interested in remote work.",
    "Salary expectations are above our range.",
    "Referred by a colleague from a previous company.",
];
