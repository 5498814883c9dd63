"""The vocabulary of titles, as data: what words say of a recording, in the languages of catalogues.

Entries are parted by "|" and folded as naming.normalise folds. A word is looked for as a word, a
phrase as a run of words, a script without spaces anywhere; "концерт*" is any word that so begins.
Sets of words are parted by spaces. The grammar that reads them is in titles.py.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What makes a recording another one than the plain track."""

    LIVE = "live"
    SESSION = "session"
    COVER = "cover"
    KARAOKE = "karaoke"
    INSTRUMENTAL = "instrumental"
    REMIX = "remix"
    ALTERED = "altered"
    ACOUSTIC = "acoustic"
    DEMO = "demo"
    TALK = "talk"
    MIX = "mix"
    ARRANGED = "arranged"
    VERSION = "version"
    LENGTH = "length"
    MIXED = "mixed"


KINDS: dict[Kind, str] = {
    Kind.LIVE: """live|livestream|unplugged|concert|concerts|konzert|tour|tours|tournee
        |turne|gira|concierto*|dvd|show|showcase|festival|festivals|glastonbury|coachella
        |tomorrowland|lollapalooza|wembley|rock in rio|vina del mar|ao vivo|en vivo
        |en directo|em directo|al vivo|dal vivo|in concerto|in diretta|en public|en direct
        |koncert*|konser*|canli|canlı|na zywo|na żywo|nazivo|naživo|uzivo|in concert|pa scen
        |auftritt|en publico|eloben|concertul*|estadio|stadium|stadion|stade de|teatro
        |coliseo|coliseu|auditorio|auditorium|primavera sound|pinkpop|werchter|pukkelpop
        |живой звук|sziget|lowlands
        |rock am ring|rock im park|roskilde|hellfest|wacken|austin city limits|jools holland
        |letterman|kimmel|fallon|snl|vma|vmas|awards|ceremony|vevo lift|vevo dscvr
        |vevo presents|olympia|bercy|zenith de|luna park|red rocks|albert hall|foro sol
        |madison square|arena|audiotree|sofar|sofar sounds|inkigayo|m countdown|music bank|fancam
        |fan cam|stage mix|soundboard|montreux|super bowl|superbowl|grammy|grammys|amas|x factor
        |got talent|american idol|la voz|the voice uk|the voice kids|the voice of|later with
        |teleton|pa liv|boiler room|halftime|mitschnitt|tv show|on stage|концерт*
        |вживую|наживо|живьем|живьём|на живо|ζωντανα|συναυλια|בהופעה|הופעה חיה|לייב|ライブ|ライヴ
        |生放送|生中継|コンサート|ツアー|武道館|生演奏|演唱會
        |演唱会|巡演|巡迴|巡回|现场|現場|音樂會|音乐会|в прямом эфире|прямой эфир|выступлени*
        |실황|현장|직캠|무대|교차편집|인기가요|음악중심|라이브*|콘서트*
        |คอนเสิร์ต|แสดงสด|บันทึกการแสดงสด|حفلة|حفل|مباشر|लाइव|कॉन्सर्ट""",
    Kind.SESSION: """session|sessions|sesion|sesiones|sessao|lounge|kexp|rehearsal
        |rehearsals|ensayo|tiny desk|like a version|home take|first take|one take
        |soundcheck|bbc radio|spotify singles|mtv push|colors show""",
    Kind.COVER: """cover|covers|covered|covering|coverversion|tribute|tributo|parody|parodia
        |parodie|impersonator|kidz|mashup|mash up|medley|type beat|remake|plays|played|sings
        |sung|lullaby|music box|8 bit|8bit|chiptune|fingerstyle|カバー|歌ってみた|弾いてみた
        |叩いてみた|ピアノ|커버|翻唱|翻弹|翻彈|кавер*|пародия|пародія|rendition|ギター|弾き語り
        |オルゴール|피아노|기타|鋼琴|钢琴|吉他""",
    Kind.KARAOKE: """karaoke|backing|backing track|in the style of|made famous by
        |originally performed|originally performed by|カラオケ|伴奏|караоке|คาราโอเกะ|كاريوكي|노래방
        |הקריוקי|playback|pista|минус|minus one|минусовка""",
    Kind.INSTRUMENTAL: """instrumental|instrumentals|instrumentale|instrumentalni|acapella
        |a cappella|a capella|acappella|off vocal|インスト|инструментал*|纯音乐|純音樂|inst""",
    Kind.REMIX: """remix|remixes|rmx|remixed|remixada|remezcla|bootleg|flip|vip|rework
        |reworked|reedit|re edit|re edited|refix|re fix|mix|dub|revisited|festival mix
        |festival edit|リミックス|리믹스|ремикс*|ريمكس""",
    Kind.ALTERED: """sped|spedup|speed|slowed|reverb|nightcore|daycore|8d|16d|boosted
        |bassboosted|432hz|432 hz|528hz|528 hz|440hz|440 hz|3d audio|4d audio|9d|12d|binaural
        |higher pitch|lower pitch|pitch shifted|muffled|backwards|from another room
        |in another room|empty arena|empty mall|acelerad*|ralenti*|замедлен*|ускорен*
        |スピードアップ|スピード アップ|ringtone|lofi|lo fi|chopped|screwed
        |reversed|pitched""",
    Kind.ACOUSTIC: """acoustic|acoustique|akustik*|akustisch|acustico|acustica|akustyczn*
        |stripped|акустика|акустическ*|アコースティック|어쿠스틱""",
    Kind.DEMO: """alternate take|alternate mix|alternative take|alt take|early take|take 1|take 2
        |take 3|take 4|take 5|take 6|take 7|take 8|take 9|demo|demos|outtake|outtakes|snippet
        |leak|leaked|teaser|trailer|preview""",
    Kind.TALK: """reaction|reacts|react|reacting|review|explained|breakdown|interview
        |documentary|meme|behind the scenes|making of|choreography|coreografia|choregraphie
        |compilation|lesson|tutorial|tabs|tab|sheet|analysis|audition|how to
        |first time hearing|vocal coach|short film|recipe|podcast|vlog|commentary
        |track by track|voice memo|voice note|audiobook|spoken|skit|workshop|zumba
        |lyrics and meaning|lyrics meaning|just dance|beat saber|guitar hero|clone hero|rocksmith
        |synthesia|midi|chords
        |dance practice|dance cover|dance tutorial|dance challenge|dance class|안무|踊ってみた
        |реакция""",
    Kind.MIX: """hour|hours|hr|1hr|10h|1h|loop|looped|full album|full ep|mixtape|dj set
        |full set|megamix|playlist|nonstop|non stop|24 7|minutes|continuous|horas|stunden
        |heures|часов|耐久|作業用|1 시간|한시간|시간 반복""",
    Kind.ARRANGED: """orchestral|orchestra|orchestre|orquesta|orchester|symphony|symphonic
        |sinfonico|restrung|string quartet|reprise|duet|new recording|rerecorded|re recorded
        |quiet|marching band|performed by a choir|choir version|gospel choir|en guitarra|en piano
        |a la guitare|auf der gitarre|am klavier|no piano|no violao|al pianoforte|alla chitarra
        |на гитаре|на пианино|на фортепиано""",
    Kind.VERSION: """version|ver|versie|versione|versao|verzija|verze|wersja|fassung|alive
        |версия|версія|バージョン|버전""",
    Kind.LENGTH: """edit|extended|radio|short|long|single|12|12 inch|7 inch|10 inch
        |full length|tv size|tvサイズ|director""",
}
"""What single words and phrases say, wherever they stand outside the wanted title."""

INSTRUMENTS = """piano pianos klavier pianoforte guitar guitars gitar gitarre guitare guitarra
    chitarra drum drums bass cello violin viola ukulele harp harpa sax saxophone trumpet
    trombone flute clarinet organ marimba kalimba harmonica accordion banjo mandolin keyboard
    synth theremin otamatone batería bateria percussion beatbox strings пианино фортепиано
    гитара скрипка барабаны"""
"""Versions only in company, or alone in their part of the title: "(piano)", "bass only"."""

ALONE: dict[Kind, str] = {
    Kind.ARRANGED: INSTRUMENTS + " choir choral intro outro interlude",
    Kind.COVER: "ai",
    Kind.LIVE: "vivo directo direto encore zugabe",
    Kind.TALK: "dance dancing tanz baile",
    Kind.MIXED: "mixed",
}
"""Words that say this where nothing but their like, and COMPANIONS, stands in the same part."""

COMPANIONS = """solo on by for arrangement arranged arr performed instrument only with
    acoustic electric classical easy beginner beginners slow sad soft beautiful my the a and
    generated sing singing voice voices"""
"""Words that leave a word of ALONE alone: "(solo piano by Jo)" is an arrangement."""

COMPANY: dict[Kind, str] = {
    Kind.ARRANGED: """ao {instrument}|au {instrument}|am {instrument}|al {instrument}
        |on {instrument}|for {instrument}|{instrument} arrangement
        |{instrument} solo|solo {instrument}|{instrument} tribute|{instrument} playthrough
        |{instrument} play through|{instrument} play along|{instrument} playalong
        |{instrument} tutorial|{instrument} lesson|{instrument} instrumental
        |{instrument} rendition|{instrument} tabs|{instrument} boosted|{instrument} karaoke
        |{instrument} only|only {instrument}|{instrument} track|{instrument} less
        |without {instrument}|no {instrument}|{instrument} version|{instrument} ver
        |{instrument} mix|{instrument} edit|{instrument} cover|{instrument} cam|drumless
        |bassless""",
    Kind.COVER: "ai cover|ai version|ai generated|ai sings|ai voice|ai song",
    Kind.DEMO: """vocal only|vocals only|voice only|chorus only|intro only|hook only
        |beat only|melody only|stem only|stems only|lead only|only vocals|only vocal
        |only chorus|isolated|only the chorus|multitrack|{instrument} parts|vocal parts
        |voice parts|individual parts""",
    Kind.ALTERED: """but it|but its|but it is|but every|but each|but only|but im|but i
        |but you|but youre|but your|but he|but hes|but she|but shes|but they|but theyre
        |but the|but with|but without|but in|but on|but at|but if|but a|but an|but my|but is
        |but all|but no|but slowed|but sped|but faster|but slower|but better|but like
        |but when|but as|but played|but more|but just|but kermit|but ai""",
}
"""Phrases that are a version though their words alone are none; {instrument} is any of them."""

GENRES = """house techno trance dubstep trap pop rock hop rap core wave synthwave step brostep
    garage funk soul metal punk folk electronica electronic electro edm disco rave breaks
    breakbeat jungle dnb riddim phonk drill grime bounce hardcore hardstyle downtempo idm
    industrial indie reggae reggaeton dancehall cumbia afro afrobeats amapiano progressive rnb
    deathcore metalcore shoegaze grunge ska hiphop triphop midtempo moombahton hardwave"""
"""Nouns that make a genre of the word before them: "piano house", "dub techno"."""

GENRE_MODIFIERS = (
    INSTRUMENTS + " dub acoustic instrumental orchestral symphonic lofi dance vocal speed"
)
GENRE_ADJECTIVES = """future deep color colour melodic liquid heavy tropical hybrid uk ukg
    wonky space midtempo trap miami ghetto electro neuro tech progressive halftime filthy
    experimental electronic freeform wave latin global bouncy slap"""
"""Before "bass" these make a genre of it: "future bass"."""

GENRE_PHRASES = """drum and bass|drum n bass|drum bass|drums and bass|drum en bass|d and b
    |d n b|dnb|drumstep|bassline|bass line house|bass music|bass culture|dance music
    |electronic dance music|dance pop|dance punk|dance rock|dance electronic
    |electronic dance|dance hall|alternative dance|euro dance|eurodance|lo fi hip hop
    |lofi hip hop|lofi hiphop|lo fi house|lofi house|trip hop|hip hop instrumental beats
    |live electronic music|cover art|minimal dub|guitar pop|piano rock|big band
    |live electronics|ambient dub|reggae dub|roots dub|deep dub|speed metal|speed garage
    |chamber pop|baroque pop"""
"""Runs of words that name a kind of music or a series, and so no version."""

NOISE_PHRASES = """audio only|official audio only|only audio|lyrics only
    |official dance video|official dance performance|official choreography video
    |official performance video|performance video|official cover art|cover art|art cover
    |artwork|art track|360 visualizer|360 visualiser|360 video|360 vr|360|3d visualizer
    |static video|pseudo video|official pseudo video|vertical video|copyright free music
    |no copyright music|no copyright sounds|no copyright|copyright free|non copyright
    |royalty free music|royalty free|lyric version|lyrics version|free music
    |free to use|old but gold|short but sweet|last but not least|in stereo
    |official short video|single of the week|full hd|ultra hd|on spotify|from the album
    |taken from the album|del album|do album|dall album|aus dem album|de l album|lead single
    |new single|debut single|official single|latest single|nuevo sencillo|novo single
    |official video clip|official clip|stereo version|mono version|picture show|slide show
    |slideshow|out now|with lyrics|con letra|com letra|avec paroles|mit text
    |on screen lyrics|con testo|tv spot|tour edition|festival edition|dvd edition
    |concert edition|tour deluxe|radio premiere|world premiere"""
"""Runs of words about the upload that say nothing about the recording."""

OFFICIAL_NOISE = (
    "cover audio|dance video|dance performance|dance performance video|dance visualizer"
)
"""Noise where the artist, or a verified channel, says it; a fan's "cover audio" is a cover."""

NEUTRAL_VERSIONS = (
    "original|album|lp|ep|main|studio|standard|full|official|explicit|clean|hd|hq|uncensored"
    "|censored|amended|stereo|mono|video|clip|lyric|lyrics|audio|cd|digital|deluxe|remaster"
    "|remastered"
    "|remasterizada|remasterizado|remasterise|remasterisee|remasterizovana|anniversary|visualizer"
    "|visualiser|rerelease|reissue|streaming|regular|normal|usual"
)
"""Before "version", "mix" and their like these leave the recording what it is."""

LENGTH_VERSIONS = (
    "single|radio|extended|short|long|video edit|7 inch|7|7in|7inch|10 inch|12 inch|12|12in"
    "|12inch|maxi|tv|full length|edited|airplay"
)
"""Before "version", "mix", "edit" these change the length only."""

VERSION_NOUNS = "version|ver|versao|versie|versione|wersja|verze|fassung|mix|edit|cut"

HARMLESS = """official video audio music lyrics lyric lyrical visualizer visualiser visual
    visuals hd hq uhd 4k 8k 1080p 720p 1440p 2160p mv m v pv clip clips officiel officielle
    oficial offizielles offizieller offiziell ufficiale officiele oficjalny officielt
    официальный клип видео видеоклип аудио текст letra letras legendado testo paroles songtext
    liedtext full song new original album explicit clean dirty uncensored remaster remastered
    remastering remasterizado remasterizada remasterise remasterisee remasters master edition
    stereo mono free dl download now premiere exclusive release released records
    recordings ncs prod from ost soundtrack deluxe quality sound performance color coded han
    rom eng bonus track restored upgrade videoclip videoklip clipe upload high res flac vinyl
    rip 뮤비 뮤직비디오 가사 공식 歌詞 公式 官方 完整版 高音質"""
"""Words about the upload or the edition: they say nothing about which recording it is."""

GRAMMAR = "the a and n of in on de la el"
JOINERS = "feat ft featuring with x vs et y und e en och og и та and b2b by con mit avec com"
"""Words between names."""

AND = "and n und y e et en och og и та και"
"""Every one of these may be written "&"."""

GUEST_OPENERS = "feat ft featuring with con com mit avec med met w starring"
"""What opens a part that names guests: "- con Natalia", "(with Hozier)"."""

PARTS = "part pt prt parte partie teil deel del cast czesc часть パート"
"""Words before the number of a part; "volume" and its like keep their own name."""

RANGES = "parts pts partes parties teile"
"""Words before the numbers of several parts."""

VOLUMES = "vol volume volumen"
COUNTING = (
    "i ii iii iv v vi vii viii ix x xi xii",
    "one two three four five six seven eight nine ten",
    "uno dos tres cuatro cinco seis",
    "eins zwei drei vier fünf sechs",
    "un deux trois quatre cinq six",
    "um dois tres quatro",
    "uno due tre quattro cinque sei",
    "первая вторая третья",
    "第一 第二 第三",
)
"""The numbers of parts from one on, Roman and in words."""

EDITIONS = """main|mixed|explicit|clean|edited|amended|mono|stereo|bonus|bonus track|single
    |album|remaster|remastered|reissue|re issue|rerelease|deluxe|anniversary|soundtrack|ost
    |radio edit|lead track|title track|spotify singles|studio|studio recording"""
"""What a catalogue writes after a title about the release, where it is all that is written."""

EDITION_WORDS = """non single digital digitally japan japanese us uk european bit 24 16 96
    anniversary super special lp ep cd side th st nd rd reissued issue pressing lead promo"""
"""What else may stand in such a part."""

SOUNDTRACKS = """soundtrack|ost|motion picture|original motion picture|original score|film
    |movie|banda sonora|trilha sonora|bande originale|filmmusik|colonna sonora|pelicula
    |netflix|original series|television series|tv series|musical|original cast|video game
    |broadway"""
"""What tells that a part of a catalogue's title names where the track was used."""

ORIGINS = (
    "from|taken from|music from|theme from|love theme from|song from|as heard|extrait|aus|tirado"
)
"""What opens such a part."""
