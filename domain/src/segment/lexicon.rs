//! Small words by language, and how its adjectives look. Words are parted by spaces.

/// See [`Class`](super::grammar::Class) for what each list means.
pub(super) struct Lexicon {
    pub conjunctions: &'static str,
    pub prepositions: &'static str,
    pub determiners: &'static str,
    pub loose_determiners: &'static str,
    pub subjects: &'static str,
    pub loose_subjects: &'static str,
    pub auxiliaries: &'static str,
    pub adverbs: &'static str,
    pub adjectives: &'static str,
    pub adjective_endings: &'static str,
    pub participle_endings: &'static str,
    pub clinging: &'static str,
    pub has_capital_names: bool,
    pub has_adjectives_first: bool,
}

/// English first: it is taken where two fit alike.
pub(super) static LEXICONS: [Lexicon; 7] = [ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH];

const ENGLISH: Lexicon = Lexicon {
    conjunctions: "and but or nor so because that which who whom whose when where while if unless until although \
        though than since whether how why what whatever whenever wherever whoever whereas plus",
    prepositions: "of in on at by for from to with without into onto over under about after before between through \
        throughout during against among around behind below beneath beside besides beyond across along toward towards \
        upon within as like near inside outside despite except per via above",
    determiners: "a an the my your our their its every no thy thine",
    loose_determiners: "this these those some any each his her all both another such many much few several most more \
        other either neither one two three four five six seven eight nine ten hundred thousand million",
    subjects: "i he she we they i'm you're he's she's it's we're they're i've you've we've they've i'll you'll he'll \
        she'll it'll we'll they'll i'd you'd he'd she'd we'd they'd let's there's here's that's what's who's how's \
        where's there",
    loose_subjects: "you it",
    auxiliaries: "am is are was were be been being has have had having do does did will would can could shall should \
        may might must cannot don't doesn't didn't isn't aren't wasn't weren't won't can't couldn't wouldn't \
        shouldn't haven't hasn't hadn't mustn't ain't gonna gotta wanna",
    adverbs: "not never always just really very quite too rather almost nearly only even also still already often \
        usually probably actually simply ever so pretty fairly extremely completely absolutely fully",
    adjectives: "good bad great big small little large long short high low old new young early late right wrong hard \
        easy fast slow hot cold warm cool full empty open close free real true whole same different own other next \
        last first second third final main best better worst worse nice fine simple complex clear dark light bright \
        deep wide strong weak heavy rich poor safe happy sad sure ready fresh clean dry wet soft loud quiet sweet \
        quick entire single double exact certain common human federal public private modern ancient fixed general \
        perfect red blue green black white yellow brown higher lower larger smaller bigger longer shorter easier harder similar \
        nearby specific total grey gray cute smart correct current recent key sharp flat \
        round square thin thick tall tiny huge given following left top bottom upper lower infinite finite",
    adjective_endings: "ful ous ive able ible ical ial nal ral mal tal tic ric less ary ular ious iest ian",
    participle_endings: "ed ing ant ent",
    clinging: "up out off away back down along ago not myself yourself himself herself itself ourselves yourselves \
        themselves",
    has_capital_names: true,
    has_adjectives_first: true,
};

const GERMAN: Lexicon = Lexicon {
    conjunctions: "und oder aber denn sondern dass weil wenn als ob damit obwohl während bevor nachdem wie wo was \
        warum sobald solange indem falls sowie weder noch",
    prepositions: "in im ins an am ans auf aufs aus bei beim mit nach seit von vom zu zum zur durch für gegen ohne um \
        über unter vor vorm zwischen hinter neben bis trotz wegen statt außer",
    determiners: "der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner mein meine \
        meinen meinem meiner dein deine deinen deinem deiner sein seine seinen seinem seiner unser unsere unseren \
        unserem unserer ihre ihren ihrem ihrer euer eure",
    loose_determiners: "dieser diese dieses diesen diesem jeder jede jedes jeden jedem alle alles viele wenige einige \
        manche mehrere andere welche welcher welches ihr solche zwei drei vier fünf sechs sieben acht neun zehn",
    subjects: "ich du er wir man",
    loose_subjects: "sie es",
    auxiliaries: "bin bist ist sind seid war warst waren habe hast hat haben hatte hatten werde wirst wird werden \
        wurde wurden würde würden kann kannst können konnte konnten könnte muss müssen musste soll sollen sollte will \
        wollen wollte darf dürfen mag möchte",
    adverbs: "nicht nie niemals sehr ganz zu so noch nur auch schon immer fast ziemlich",
    adjectives: "",
    adjective_endings: "liche lichen licher liches ische ischen ischer isches ige igen iger iges",
    participle_endings: "",
    clinging: "",
    has_capital_names: false,
    has_adjectives_first: true,
};

const FRENCH: Lexicon = Lexicon {
    conjunctions: "et ou mais donc car ni que qui dont où quand lorsque parce si comme puisque pourquoi comment \
        tandis afin",
    prepositions: "de du des à au aux en dans sur sous avec sans pour par chez vers entre contre avant après depuis \
        pendant dès jusque jusqu'à jusqu'au selon malgré parmi durant lors",
    determiners: "le la les un une ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs \
        quel quelle quels quelles chaque quelques plusieurs",
    loose_determiners: "tout toute tous toutes certains certaines aucun aucune deux trois quatre cinq six sept huit \
        neuf dix vingt trente quarante cinquante soixante cent mille",
    subjects: "je tu il on ils ne me te se y j'ai qu'il qu'on s'il s'ils qu'ils qu'elle qu'elles",
    loose_subjects: "elle nous vous elles lui",
    auxiliaries: "ai as a avons avez ont avais avait avaient aurai aura auront aurait suis es est sommes êtes sont \
        étais était étaient sera seront serait seraient fut peux peut pouvez pouvons peuvent pouvait pourra pourrez \
        pourrait pourraient dois doit devez devons doivent devait devra devrez devrait veux veut voulez voulons \
        veulent voulait vais va allons allez vont allait faut faudra n'est n'ai n'a n'ont n'avez n'avons n'était \
        n'étaient n'avait c'est c'était d'être d'avoir être avoir fait faire soit laissez",
    adverbs: "pas jamais très trop plus moins bien mal peu assez aussi encore déjà toujours souvent",
    adjectives: "petit petite petits petites grand grande grands grandes bon bonne bons bonnes mauvais mauvaise beau \
        bel belle beaux belles jeune jeunes vieux vieil vieille nouveau nouvel nouvelle nouveaux nouvelles premier \
        première premiers premières dernier dernière derniers dernières autre autres même mêmes prochain prochaine \
        gros grosse long longue haut haute",
    adjective_endings: "elle elles ique iques able ables ible ibles aire aires eux euse euses ive ives ale ales",
    participle_endings: "",
    clinging: "pas jamais rien plus guère moi toi -ci -là",
    has_capital_names: true,
    has_adjectives_first: false,
};

const SPANISH: Lexicon = Lexicon {
    conjunctions: "y e o u pero sino que porque cuando donde si aunque como mientras quien quienes cual pues",
    prepositions: "de del a al en con sin por para sobre entre hasta desde hacia contra según tras ante bajo durante",
    determiners: "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra nuestros nuestras cada",
    loose_determiners: "este esta estos estas ese esa esos esas aquel aquella otro otra otros otras todo toda todos \
        todas algún alguna algunos algunas ningún ninguna mucho mucha muchos muchas dos tres cuatro cinco",
    subjects: "yo tú se me te nos no",
    loose_subjects: "él ella ellos ellas usted ustedes nosotros lo le les",
    auxiliaries: "es son era eran fue fueron ser soy eres somos está están estaba estaban estoy he has ha hemos han \
        había habían puede pueden puedo podemos debe deben va van voy vamos quiero quiere",
    adverbs: "no nunca muy más menos tan casi ya también siempre",
    adjectives: "gran buen buena mal primer primera último última nuevo nueva mejor peor mismo misma",
    adjective_endings: "able ables ible ibles ico ica icos icas ales oso osa osos osas ivo iva ivos ivas",
    participle_endings: "",
    clinging: "",
    has_capital_names: true,
    has_adjectives_first: false,
};

const ITALIAN: Lexicon = Lexicon {
    conjunctions: "e ed o ma però che perché quando dove se come mentre cui né chi quindi",
    prepositions: "di del dello della dei degli delle a al allo alla ai agli alle da dal dallo dalla dai dagli dalle in \
        nel nello nella nei negli nelle con su sul sulla sui sulle per tra fra senza verso",
    determiners: "il lo la i gli le un uno una ogni",
    loose_determiners: "mio mia miei mie tuo tua suo sua nostro nostra vostro vostra loro questo questa questi queste \
        quel quella quei quelle altro altra altri altre tutto tutta tutti tutte alcuni alcune molto molta molti due \
        tre quattro cinque",
    subjects: "io tu si mi ti ci vi non",
    loose_subjects: "lui lei noi voi ne",
    auxiliaries: "è sono sei siamo era erano ho hai ha abbiamo avete hanno aveva avevano può possono posso deve devono \
        vuole vogliono sta stanno essere stato stata",
    adverbs: "non mai molto più meno così quasi già sempre anche",
    adjectives: "grande gran bello bella buon buona primo prima ultimo ultima nuovo nuova stesso stessa",
    adjective_endings: "ico ica ici iche ale ali oso osa osi ose ivo iva ivi ive bile bili",
    participle_endings: "",
    clinging: "",
    has_capital_names: true,
    has_adjectives_first: false,
};

const PORTUGUESE: Lexicon = Lexicon {
    conjunctions: "e ou mas que porque quando onde se como embora enquanto quem pois nem",
    prepositions: "de do da dos das a ao à aos às em no na nos nas num numa com sem por pelo pela pelos pelas para \
        sobre entre até desde",
    determiners: "o os as um uma uns umas meu minha meus minhas seu sua seus suas nosso nossa cada",
    loose_determiners: "este esta estes estas esse essa esses essas isso aquele aquela outro outra outros outras todo \
        toda todos todas algum alguma muito muita muitos dois duas três quatro cinco",
    subjects: "eu tu não me te nós",
    loose_subjects: "você ele ela eles elas vocês lhe",
    auxiliaries: "é são era eram foi foram ser sou somos está estão estava estavam estou tem têm tinha tinham pode \
        podem deve devem vai vão vou vamos quer há",
    adverbs: "não nunca muito mais menos tão quase já também sempre",
    adjectives: "grande bom boa primeiro primeira último última novo nova mesmo mesma melhor pior",
    adjective_endings: "ico ica icos icas ais oso osa osos osas ivo iva ivos ivas vel veis",
    participle_endings: "",
    clinging: "",
    has_capital_names: true,
    has_adjectives_first: false,
};

const DUTCH: Lexicon = Lexicon {
    conjunctions: "en of maar want dat omdat als toen terwijl die wie wat waar hoe waarom zodat totdat hoewel",
    prepositions: "van in op aan bij met naar voor door over onder uit tot tegen zonder tussen om te achter binnen \
        buiten na sinds tijdens volgens",
    determiners: "de het een mijn jouw onze ons hun uw elke ieder",
    loose_determiners: "dit deze zijn haar alle veel weinig enkele sommige andere twee drie vier vijf",
    subjects: "ik jij je hij zij ze wij we men u",
    loose_subjects: "jullie",
    auxiliaries: "ben bent is zijn was waren heb hebt heeft hebben had hadden word wordt worden werd werden kan kun \
        kunnen kon konden moet moeten moest zal zullen zou zouden wil willen mag mogen",
    adverbs: "niet nooit heel erg zeer te zo nog ook al altijd bijna",
    adjectives: "",
    adjective_endings: "lijke ische ige",
    participle_endings: "",
    clinging: "niet",
    has_capital_names: true,
    has_adjectives_first: true,
};
