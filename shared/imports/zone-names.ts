/**
 * Names of time zones that tills write and IANA does not know: those of Ruby on Rails (Square, Shopify) and of Windows,
 * by CLDR's mapping for the whole world. A name that is the city of an IANA zone, such as Berlin, needs no line here.
 */
export const ZONE_NAMES = `
Africa/Algiers: West Central Africa
Africa/Cairo: Egypt Standard Time
Africa/Casablanca: Morocco Standard Time
Africa/Johannesburg: Pretoria | South Africa Standard Time
Africa/Juba: South Sudan Standard Time
Africa/Khartoum: Sudan Standard Time
Africa/Lagos: W. Central Africa Standard Time
Africa/Nairobi: E. Africa Standard Time
Africa/Sao_Tome: Sao Tome Standard Time
Africa/Tripoli: Libya Standard Time
Africa/Windhoek: Namibia Standard Time
America/Adak: Aleutian Standard Time
America/Anchorage: Alaskan Standard Time
America/Araguaina: Tocantins Standard Time
America/Argentina/Buenos_Aires: Argentina Standard Time
America/Asuncion: Paraguay Standard Time
America/Bahia: Bahia Standard Time
America/Bogota: SA Pacific Standard Time
America/Cancun: Eastern Standard Time (Mexico)
America/Caracas: Venezuela Standard Time
America/Cayenne: SA Eastern Standard Time
America/Chicago: Central Time (US & Canada) | Central Standard Time | Central Time | Central Daylight Time | CT
America/Chihuahua: Mountain Standard Time (Mexico)
America/Cuiaba: Central Brazilian Standard Time
America/Denver: Mountain Time (US & Canada) | Mountain Standard Time | Mountain Time | Mountain Daylight Time | MT
America/Grand_Turk: Turks And Caicos Standard Time
America/Guatemala: Central America | Central America Standard Time
America/Guyana: Georgetown
America/Halifax: Atlantic Time (Canada) | Atlantic Standard Time | Atlantic Time
America/Havana: Cuba Standard Time
America/Indiana/Indianapolis: Indiana (East) | US Eastern Standard Time
America/Juneau: Alaska
America/La_Paz: SA Western Standard Time
America/Lima: Quito
America/Los_Angeles: Pacific Time (US & Canada) | Pacific Standard Time | Pacific Time | Pacific Daylight Time | PT
America/Mexico_City: Guadalajara | Central Standard Time (Mexico)
America/Miquelon: Saint Pierre Standard Time
America/Montevideo: Montevideo Standard Time
America/New_York: Eastern Time (US & Canada) | Eastern Standard Time | Eastern Time | Eastern Daylight Time | ET
America/Nuuk: Greenland | Greenland Standard Time
America/Phoenix: Arizona | US Mountain Standard Time
America/Port-au-Prince: Haiti Standard Time
America/Punta_Arenas: Magallanes Standard Time
America/Regina: Saskatchewan | Canada Central Standard Time
America/Santiago: Pacific SA Standard Time
America/Sao_Paulo: Brasilia | E. South America Standard Time
America/St_Johns: Newfoundland | Newfoundland Standard Time
America/Tijuana: Pacific Standard Time (Mexico)
America/Whitehorse: Yukon Standard Time
Asia/Almaty: Astana | Central Asia Standard Time
Asia/Amman: Jordan Standard Time
Asia/Baghdad: Arabic Standard Time
Asia/Baku: Azerbaijan Standard Time
Asia/Bangkok: Hanoi | SE Asia Standard Time
Asia/Barnaul: Altai Standard Time
Asia/Beirut: Middle East Standard Time
Asia/Chita: Transbaikal Standard Time
Asia/Colombo: Sri Jayawardenepura | Sri Lanka Standard Time
Asia/Damascus: Syria Standard Time
Asia/Dhaka: Bangladesh Standard Time
Asia/Dubai: Arabian Standard Time
Asia/Hebron: West Bank Standard Time
Asia/Hovd: W. Mongolia Standard Time
Asia/Irkutsk: North Asia East Standard Time
Asia/Jerusalem: Israel Standard Time
Asia/Kabul: Afghanistan Standard Time
Asia/Kamchatka: Russia Time Zone 11
Asia/Karachi: Islamabad | Pakistan Standard Time
Asia/Kathmandu: Nepal Standard Time
Asia/Kolkata: Chennai | Mumbai | New Delhi | India Standard Time | Calcutta
Asia/Krasnoyarsk: North Asia Standard Time
Asia/Magadan: Magadan Standard Time
Asia/Muscat: Abu Dhabi
Asia/Novosibirsk: N. Central Asia Standard Time
Asia/Omsk: Omsk Standard Time
Asia/Pyongyang: North Korea Standard Time
Asia/Qyzylorda: Qyzylorda Standard Time
Asia/Riyadh: Arab Standard Time
Asia/Sakhalin: Sakhalin Standard Time
Asia/Seoul: Korea Standard Time
Asia/Shanghai: Beijing | China Standard Time
Asia/Singapore: Singapore Standard Time
Asia/Srednekolymsk: Russia Time Zone 10
Asia/Taipei: Taipei Standard Time
Asia/Tashkent: West Asia Standard Time
Asia/Tbilisi: Georgian Standard Time
Asia/Tehran: Iran Standard Time
Asia/Tokyo: Osaka | Sapporo | Tokyo Standard Time
Asia/Tomsk: Tomsk Standard Time
Asia/Ulaanbaatar: Ulaanbaatar Standard Time
Asia/Vladivostok: Vladivostok Standard Time
Asia/Yakutsk: Yakutsk Standard Time
Asia/Yangon: Myanmar Standard Time | Rangoon
Asia/Yekaterinburg: Ekaterinburg | Ekaterinburg Standard Time
Asia/Yerevan: Caucasus Standard Time
Atlantic/Azores: Azores Standard Time
Atlantic/Cape_Verde: Cape Verde Is. | Cape Verde Standard Time
Atlantic/Reykjavik: Greenwich Standard Time
Atlantic/South_Georgia: Mid-Atlantic
Australia/Adelaide: Cen. Australia Standard Time
Australia/Brisbane: E. Australia Standard Time
Australia/Darwin: AUS Central Standard Time
Australia/Eucla: Aus Central W. Standard Time
Australia/Hobart: Tasmania Standard Time
Australia/Lord_Howe: Lord Howe Standard Time
Australia/Perth: W. Australia Standard Time
Australia/Sydney: AUS Eastern Standard Time
Etc/GMT+12: International Date Line West | Dateline Standard Time
Europe/Astrakhan: Astrakhan Standard Time
Europe/Berlin: W. Europe Standard Time | Central European Time
Europe/Bucharest: GTB Standard Time
Europe/Budapest: Central Europe Standard Time
Europe/Chisinau: E. Europe Standard Time
Europe/Istanbul: Turkey Standard Time
Europe/Kaliningrad: Kaliningrad Standard Time
Europe/Kyiv: Kyiv | FLE Standard Time
Europe/London: Edinburgh | GMT Standard Time | British Summer Time | UK time
Europe/Minsk: Belarus Standard Time
Europe/Moscow: St. Petersburg | Russian Standard Time
Europe/Paris: Romance Standard Time
Europe/Samara: Russia Time Zone 3
Europe/Saratov: Saratov Standard Time
Europe/Volgograd: Volgograd Standard Time
Europe/Warsaw: Central European Standard Time
Europe/Zurich: Bern
Indian/Mauritius: Mauritius Standard Time
Pacific/Apia: Samoa | Samoa Standard Time
Pacific/Auckland: Wellington | New Zealand Standard Time
Pacific/Bougainville: Bougainville Standard Time
Pacific/Chatham: Chatham Is. | Chatham Islands Standard Time
Pacific/Easter: Easter Island Standard Time
Pacific/Fakaofo: Tokelau Is.
Pacific/Fiji: Fiji Standard Time
Pacific/Guadalcanal: Solomon Is. | Central Pacific Standard Time
Pacific/Honolulu: Hawaii | Hawaiian Standard Time
Pacific/Kiritimati: Line Islands Standard Time
Pacific/Majuro: Marshall Is.
Pacific/Marquesas: Marquesas Standard Time
Pacific/Midway: Midway Island
Pacific/Norfolk: Norfolk Standard Time
Pacific/Noumea: New Caledonia
Pacific/Pago_Pago: American Samoa
Pacific/Port_Moresby: West Pacific Standard Time
Pacific/Tongatapu: Nuku'alofa | Tonga Standard Time
`;

/** Hours from UTC of abbreviations that mean one thing in the countries whose tills write them; IST does not. */
export const ZONE_ABBREVIATIONS: Readonly<Record<string, number>> = {
  ...{
    utc: 0,
    gmt: 0,
    z: 0,
    wet: 0,
    west: 1,
    bst: 1,
    cet: 1,
    cest: 2,
    mez: 1,
    mesz: 2,
    eet: 2,
    eest: 3,
    msk: 3,
    trt: 3,
  },
  ...{ est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7, akst: -9, akdt: -8, hst: -10 },
  ...{ ast: -4, adt: -3, nst: -3.5, ndt: -2.5, brt: -3, art: -3, clt: -4, clst: -3, cot: -5, pet: -5 },
  ...{ awst: 8, acst: 9.5, acdt: 10.5, aest: 10, aedt: 11, nzst: 12, nzdt: 13 },
  ...{ sast: 2, eat: 3, gst: 4, pkt: 5, ict: 7, wib: 7, sgt: 8, hkt: 8, pht: 8, myt: 8, jst: 9, kst: 9 },
};
