"""The category that a headline tells, by rules over its words; `unknown` where none is sure.

Source: domain section 7. What a story of that category weighs, and for how long, is agents/news.py.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

UNKNOWN: Final = "unknown"

# Who only reports, explains or asks tells nothing of a company that happened.
_NO_REPORT: Final = re.compile(
    r"^(explainer|factbox|timeline|opinion|column|editorial|comment|podcast|quiz|breakingviews|how|what|why|who"
    r"|where|should|is|are|will|can|tell us|letters|obituary|business live)\b|\b(cartoon|as it happened)$"
    r"|^\d+ (tips|ways|things|reasons|steps)\b|\?$"
)
# A publisher's name behind a dash: its words are not the headline's ("… - Insolvency Insider").
_PUBLISHER: Final = re.compile(
    r" [-|] [^-|]{0,30}\b(news|times|post|journal|insider|dive|daily|weekly|today|magazine|review|gazette|herald"
    r"|mail|telegraph|guardian|express|bloomberg|reuters|wsj|ft|cnbc|bbc|law360|online|media"
    r"|\w+\.(com|net|org|co\.uk|in|de))$"
)
_CLAUSE: Final = re.compile(r"[;:,]| - | as | after | amid | while | despite | but | following ")
_REACH: Final = 45  # characters before and behind the words of an event that can turn them round

# Before the words of an event: it is denied, undone or over …
_UNDONE: Final = (
    r"den(y|ies|ied|ying)|avoid\w*|avert\w*|stav(e|es|ed|ing) off|(fend|fight|ward|head)(s|ed|ing)? off"
    r"|escape[sd]?|rul(e|es|ed|ing) out|reject\w*|dismiss\w*|quash\w*|set(s|ting)? aside|thr(ow|ows|ew|own) out"
    r"|withdr(aw|aws|ew|awn)|drop(s|ped)?|lift(s|ed)?|remov(e|es|ed|ing)|annul\w*|overturn\w*|strikes? down|ends?"
    r"|ended|exit(s|ed|ing)?|emerg(e|es|ed|ing)|out of|clear(s|ed)?|acquit\w*|no(?! longer)|not|never|nor|won't"
    r"|without|post|since|prevent\w*|halts|stops|block(s|ed)?|call(s|ed)? off|abandon\w*|scrap(s|ped)?"
    r"|settle[sd]?|settling|baseless|rescue[sd]?|save[sd]?|safeguard\w*|pull(s|ed)? back from"
    r"|recover(s|ed|ing)? from|return(s|ed|ing)? from|reverse[sd]?|eas(e|es|ed|ing)|waive[sd]?|delay(s|ed)?"
    r"|against (any )?further"
)
# … or only thought of.
_THOUGHT: Final = (
    r"could|may|might|would|should|consider\w*|mull(s|ed|ing)?|weigh(s|ed|ing)?|explor(es|ed|ing)|eye(s|d|ing)?"
    r"|prepar\w+|near(s|ed|ing)?|brink|verge|edge of|close to|threat of|threaten(s|ing)?"
    r"|fears? (of|that|it|\w+ (may|could|will))|risks?(ing)?|risk of|likely|urge[sd]?|calls? for|if|unless"
    r"|possible|potential|talks? of|rumou?r\w*|speculat\w*|looms|looming|faces|facing|discuss\w*|in talks"
    r"|options?|contemplat\w*|(expected|poised) to|seen as|warns?|wants? to|hopes? to|ponder\w*|ready to"
    r"|vow(s|ed)?|heading (for|towards?)|headed (for|towards?)|advised"
)
# Before a failure: it is another's, and the company lends to it, lost by it, buys it or lives of it.
_ANOTHERS: Final = (
    r"exposure to|exposed to|loss(es)? (on|from|after|over|linked to)|writ(e|es|ing|ten)[ -]?(off|down)s?"
    r"|set(s|ting)? aside|provisions?|hit (by|from)|hurt by|blow from|victims? of|owed|buy(s|ing)?|bought"
    r"|bid(s|der|ders)? (for|to)|acquir\w+|snap(s|ped)? up|swoops? (for|on|to)"
    r"|(customers?|clients?|rivals?|tenants?|borrowers?|competitors?)(?='s?( [\w-]+){0,2} *$| *$)"  # not a name's word
    r"|(supplier|partner|retailer|contractor|investor|parent)('s|s')|advis(es|ing|ed|er|ers) (on|to)|advis[eo]rs for"
    r"|lend(s|ing)? to|loans? to|cases? of|wave of|rise in|surge in|number of"
    r"|(record|more|most|personal|corporate|households?|nearly|almost|rise|surge|increase)(?= *$)"
    r"|helps?|combat\w*|fight(s|ing)?|tackl(e|es|ing)|spot(s|ting)?|detect(s|ing)?|against|morally"
)
# Behind the words of an event: what ends it …
_ENDED: Final = (
    r"dismissed|withdrawn|rejected|quashed|set aside|dropped|lifted|averted|avoided|annulled|overturned"
    r"|thrown out|denied|stayed|discontinued|settled|called off|abandoned|blocked|scrapped|resolved|removed|eased"
    r"|reversed|cancelled|baseless|is over|if|unless"
)
# … or makes a topic of a failure.
_TOPIC: Final = (
    r"fears?|worries|concerns|risks?|rumou?rs?|speculation|talks?|options?|exit|preparations?|frenzy|fallout"
    r"|statistics|figures|rates?|levels|rise|fall|rose|fell|surge|jump|law|laws|bill|code|reform|rules|regime"
    r"|experts?|lawyers?|practitioners?|specialists?|partners?|team|advis[eo]rs?|caseload|practice|prevention"
    r"|detection|protection (service|tool|firm)|tools?|insurance|training|awareness|victims"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One category's words: they count unless `before` or `behind` stand about them in their clause, `unless` anywhere."""

    category: str
    says: str
    before: str
    behind: str
    unless: str | None

    def told_by(self, text: str) -> bool:
        if self.unless and _pattern(self.unless).search(text):
            return False
        before, behind = _pattern(self.before), _pattern(self.behind)
        return any(
            not before.search(_CLAUSE.split(text[max(0, found.start() - _REACH) : found.start()])[-1])
            and not behind.search(_CLAUSE.split(text[found.end() : found.end() + _REACH])[0])
            for found in _pattern(self.says).finditer(text)
        )


@cache
def _pattern(words: str) -> re.Pattern[str]:
    # At the first headline, not at import: it takes a tenth of what a process takes to start, and most read none.
    return re.compile(words)


# "Rival's licence revoked" is not the company's, but a rival's lawsuit or bid may well be about it.
_RIVALS: Final = r"(rival|competitor)('s|s')(?= *([\w-]+ ){0,2}$)"
_TOLD_BY_RIVALS: Final = frozenset(
    {"creditor_petition", "litigation", "merger_acquisition", "leveraged_buyout", "rumour"}
)
_FAILED: Final = (_UNDONE, _THOUGHT, _ANOTHERS)
_BEHIND: Final = rf"\b({_ENDED})\b"
# "Administrators appointed at rival Acme"; not "supplier" or "partner", which a company is called by its trade.
_OF_ANOTHER: Final = (
    r"^ ?(of|at|for|to|by) (its |a |the )?(\w+ )?(rival|competitor|customer|client|tenant|borrower)s?"
)
_BEHIND_FAILURES: Final = rf"\b({_ENDED}|{_TOPIC})\b|{_OF_ANOTHER}\b"


def _rule(
    category: str, *says: str, unless: str | None = None, before: tuple[str, ...] = (_UNDONE, _THOUGHT)
) -> _Rule:
    turned_round = before if category in _TOLD_BY_RIVALS else (*before, _RIVALS)
    return _Rule(
        category,
        r"\b(?:" + "|".join(says) + r")",
        r"\b(" + "|".join(turned_round) + r")(?!\w)",
        _BEHIND_FAILURES if before == _FAILED else _BEHIND,
        unless,
    )


_OFFICE_HOLDER: Final = (
    r"(provisional |joint |special |interim |voluntary |insolvency |preliminary )*(administrators?|liquidators?"
    r"|receivers?|examiner|resolution professional|business rescue practitioner)"
)
_REGIME: Final = (
    r"(voluntary |provisional |special |external |judicial |compulsory |creditors'? voluntary |an? |the |self-"
    r"|insolvency |formal )*(administration|liquidation(?! sale| of (its )?(stock|inventory|assets))|receivership|examinership"
    r"|insolvency( proceedings)?|business rescue|judicial management|judicial (recovery|reorgani[sz]ation)"
    r"|recuperacao judicial|recuperacion judicial|civil rehabilitation|rehabilitation|redressement( judiciaire)?"
    r"|concordato|concurso)"
)
_INTO: Final = (
    r"(enter(s|ed|ing)?|(go|goes|went|going|gone|fall|falls|fell|falling|fallen|forced|placed|put|puts|sent"
    r"|thrown|plunge[sd]?|plunging|slides?|slid|slips?|slipped|sinks?|sank|crash(es|ed)?|tumble[sd]?|tips?|tipped"
    r"|tipping|push(es|ed)?|collaps(e|es|ed|ing)|lands?|lapses?|drops?) (straight |back |down )?into)"
)
_LICENCE: Final = (
    r"(licen[cs]es?|permits?|(operator|operating|air|carrier|banking) \w*\s?certificate"
    r"|air operator'?s? certificate|aoc|authori[sz]ation|registration|permissions?)\b"
)
_AUDIT_FIRM: Final = (
    r"(deloitte|pwc|pricewaterhousecoopers|kpmg|ey|ernst & young|bdo|grant thornton|mazars|rsm|crowe|baker tilly"
    r"|auditors?|accountants)"
)
_AGENCY: Final = (
    r"(moody'?s|s&p(?! \d| (ends?|closes?|falls?|slips?|drops?|hits?|rises?|edges?|nudges?|finish(es)?"
    r"|futures))( global)?|fitch|crisil|icra|care(edge| ratings)|(?<!.)care(?= (downgrades|lowers|revises))"
    r"|india ratings|ind-ra|brickwork|acuite|dbrs|scope|kbra|jcr|ratings? agenc(y|ies)|credit ratings?)"
)
_GRADE: Final = (
    r"(junk|speculative grade|c{1,3}[+-]?|[bd]\b|b{1,3}[+-]|b{1,3}\b|b{1,2}\d|b?aa?\d|ca{0,2}\d?\b"
    r"|non-investment grade)"
)
# Not "closed", "shuttered", "idle": they say more often how a plant is than what happens to it.
_CLOSES: Final = (
    r"(clos(e|es|ing)(?! to (a |an |\w+ing |rescue|deal|agree))|ha(s|ve) closed|shut(s|ting)?( down)?"
    r"|shutter(s|ing)?|to idle|idles|idling|mothball(s|ing)?)"
)
_PLANT: Final = (
    r"(plants?|factor(y|ies)|mills?|sites?|facilit(y|ies)|warehouses?|refiner(y|ies)|smelters?|brewer(y|ies)"
    r"|foundr(y|ies)|works\b|steelworks|blast furnaces?|cannery|shipyards?|depots?|distribution cent(re|er)s?"
    r"|call cent(re|er)s?|quarr(y|ies)|mines?|abattoirs?|bakery|bakeries|dairy|dairies)"
)
_SHOPS: Final = r"(stores|shops|branches|restaurants|pubs|outlets|showrooms|salons)"
# One statement
_NEAR: Final = r"(?:(?!\b(say|said|warn|urge|tell|see|predict|call|expect)\w*\b|[:;?]).){0,40}"
_SPORT: Final = (
    r"\b(dugout|red card|relegat\w+|promotion push|striker|midfielder|goalkeeper|premier league|touchdown"
    r"|quarterback|test squad|world cup|cup (tie|final)|derby (win|defeat|loss))\b"
)
_CHIEF: Final = r"(ceo|chief exec(utive)?( officer)?|boss|managing director|vorstandschef\w*|pdg)"
_FINANCE_CHIEF: Final = (
    r"(cfo|chief financial officer|(group )?finance (chief|director|boss|head)|finanzvorstand|finanzchef\w*)"
)
_LEAVES: Final = (
    r"(resign(s|ed|ation)?|quits?|leav(e|es|ing)\b|left\b|depart(s|ed|ure)?|step(s|ped|ping)? (down|aside)"
    r"|exit(s|ed)?\b|oust(s|ed)?|fired|sacked|dismissed|to go\b|walks? out|retire[sd]?|replaced"
    r"|(forced|pushed|kicked) out|stands? down|standing down|bow(s|ed)? out|out with immediate effect|axed"
    r"|suspended|verlasst|tritt zuruck|transition)"
)

# The first rule that tells it gives the category: the graver and the more specific stand first.
_RULES: Final = (
    # A court that has decided goes before a creditor who asks.
    _rule(
        "insolvency",
        r"winding.?up orders?\b",
        r"petitions? .{0,25}order made",
        r"(nclt|tribunal|court|bench|judge)\b.{0,25}\b(admits|admitted|orders|ordered|initiates|commences"
        r"|approves)\b.{0,40}(insolvency|liquidation|cirp|winding.?up|wound up)",
        r"(cirp|corporate insolvency resolution process|insolvency proceedings) (has been |is |was )?(initiated"
        r"|commenced|begins?|begun|opened|ordered|admitted)",
        unless=r"members'? voluntary|\bsolvent",
        before=(_UNDONE, _THOUGHT),
    ),
    _rule(
        "creditor_petition",
        r"(faces?|facing|hit (with|by)|served|threatened with)? ?winding.?up (petition|order sought|application"
        r"|case|bid)",
        r"petition(s|ed)? (\w+ ){0,3}to wind up",
        r"(seeks?|sought|asks?|appl(y|ies|ied)|bids?|wants?|moves?) (\w+ ){0,3}to wind up",
        r"(seeks?|asks?|appl(y|ies|ied)|moves?) to have [^,;:]{1,40} wound up",
        r"(starts?|initiates?|launch(es)?|begins?) (cirp|insolvency|bankruptcy)( resolution)?( proceedings"
        r"| process)? against",
        r"involuntary (bankruptcy|chapter|petition|insolvency|liquidation)",
        r"(creditors?|lenders?|suppliers?|bondholders?|banks?|landlords?)\b.{0,40}\bpetitions?\b",
        r"(insolvency|bankruptcy|cirp|section [79]) (plea|petition|application|case|suit)\b.{0,30}\bagainst",
        r"(move[sd]?|approach(es|ed)?|drag(s|ged)?|takes?)\b.{0,40}\b(nclt|bankruptcy court"
        r"|insolvency (court|tribunal))",
        r"statutory demand (served|issued)",
        unless=r"online petition|sign(s|ed)? (a |the )?petition|branch closure",
        before=(_UNDONE,),
    ),
    _rule(
        "payment_default",
        r"default(s|ed|ing)? on\b",
        r"(payment|restricted|selective|loan|bond|debt|cross|technical) default\b",
        r"(declare[sd]?|in|into|notice of|event of) default\b",
        r"(miss(es|ed|ing)?|skip(s|ped|ping)?) (\w+ ){0,4}(payments?|coupons?|repayments?|instal?ments?"
        r"|interest)\b",
        r"(fail(s|ed|ing|ure)?|unable|inability|struggl(es|ing)) to (pay|repay|make|meet|service"
        r"|honou?r) (\w+ ){0,4}(bonds?|coupons?|interest|loans?|payments?|debts?|notes|principal|obligations"
        r"|wages|salaries|suppliers|creditors|repayments?)",
        r"(suspend|halt|stop)(s|ed)? (\w+ ){0,2}(debt|interest|coupon|loan|bond) (re)?(payments?|service"
        r"|servicing)",
        r"(stop|cease)(s|ed)? paying (its |their )?(lenders|suppliers|creditors|bondholders|banks)",
        r"(cut|lower|downgrade)(s|d|ed)? [^,;:]{0,40} to '?(sd|rd)\b",
        r"missed (\w+ )?payments?",
        r"defer(s|red)? (\w+ ){0,2}(coupons?|interest|bond|debt|loan) (re)?payments?",
        r"(has|have) not paid (its |their )?(suppliers|subcontractors|creditors)",
        r"(classified|declared|turns?|turned|slips? into|tagged)( as)? (an )?(npa|non.performing)",
        r"(suppliers|subcontractors|workers|staff|employees|creditors|farmers|drivers) (\w+ )?(unpaid|not paid)",
        unless=r"by default|default (setting|judg\w+|option|browser|position|search)"
        r"|(student|mortgage|consumer|credit card|household|borrowers)\w* .{0,20}default|default swaps?"
        r"|on (a |its |his |the )?(promise|pledge)|overtime|minimum wage",
        before=_FAILED,
    ),
    _rule(
        "bankruptcy",
        r"(file[sd]?|filing|files papers|seek(s|ing)?|sought|enter(s|ed|ing)?|declare[sd]?|declaring|begin(s|ning)?"
        r"|began|commence[sd]?|ma(kes?|de)|granted|obtain(s|ed)?|get(s)?|wins?|secure[sd]?|in|into|under)\b"
        r"(?: (?!from|out|against|to\b|customer|client|rival|tenant|borrower|competitor)[\w'&.-]+){0,4}"
        r" (bankruptcy|chapter (7|11|15)|creditor protection|ccaa)\b",
        r"(goes|going|went|gone|is|was|now|declare[sd]?|becomes?) bankrupt\b",
        r"bankruptcy (reorgani[sz]ation |restructuring )?(filing|plan|case|proceedings|sale|auction|loan"
        r"|financing|trustee|petition|protection)\b",
        r"chapter (7|11|15) (reorgani[sz]ation )?(filing|plan|case|proceedings|petition|bankruptcy|protection"
        r"|liquidation)\b",
        r"declare[sd]? [^,;:]{1,40} bankrupt\b",
        r"(converts?|converted|conversion|switch(es|ed)?)\b[^,;:]{0,50}\bto (a )?chapter (7|11)\b",
        r"(?<!.)bankrupt (?!of\b|ideas?\b|polic)",
        r"bankruptcy (court|judge) (approves|oks|confirms|allows|clears)",
        r"bankrupt(?=$|[,;])",
        r"(head|go)(s|es|ed)? to bankruptcy court",
        r"bankruptcy or receivership",
        r"voluntary petition",
        r"(failliet|faillissement|en faillite|konkurs)\b",
        unless=r"chapter (7|11|15) of (the|a|his|her|my|our)\b|bankrupt of\b|\bbankruptcies\b"
        r"|(medical|personal|consumer|small.business) bankrupt",
        before=_FAILED,
    ),
    _rule(
        "insolvency",
        _INTO + " " + _REGIME + r"(?! of\b)",
        r"(is|was|remains?|now|currently)( still)? in (administration|liquidation|receivership|examinership)\b",
        r"in (administration|liquidation|receivership|examinership)(?=$|[,;])",
        r"(administrators?|liquidators?|receivers?) (of|at|for) (?!(its |a |the )?(rival|competitor|customer|client)\b)"
        r"[^,;:]{1,40} (mak|seek|sell|cut|lay|clos|shut"
        r"|invit|market)\w*",
        r"(file[sd]?|filing|appl(y|ies|ied|ying)|seek(s|ing)?|requests?|begin(s|ning)?|open(s|ed)?|commence[sd]?"
        r"|start(s|ed)?|pede|granted) "
        r"(\w+ ){0,2}(for |to enter )?(\w+ ){0,1}" + _REGIME,
        r"(call(s|ed|ing)?|br(ing|ings|ought)|line[sd]?) (in"
        r"|up) (the )?(" + _OFFICE_HOLDER + r"|insolvency practitioners)",
        _OFFICE_HOLDER
        + r" (\w+ ){0,2}(appointed|called in|called to|takes? (over|control|charge)|named|installed"
        r"|brought in|invites? claims|starts? sale)",
        r"(appoint(s|ed|ing|ment of)?|named( as)?) (\w+ ){0,2}" + _OFFICE_HOLDER,
        r"wound up (by|in) (the )?(\w+ )?court",
        r"(creditors'? voluntary|compulsory) liquidation",
        r"(declared?|is|are|was|technically|becomes?|now|brand|group) (\w+ )?insolvent\b",
        r"insolvent (again|for)",
        r"(insolvenzantrag|insolvenzverfahren|meldet .{0,30}insolvenz|insolvenz an\b|ist insolvent"
        r"|(in die|auf) insolvenz|in eigenverwaltung|self.administration (proceedings|fails))",
        r"(redressement judiciaire|liquidation judiciaire|procedure de sauvegarde|depot de bilan"
        r"|depose(nt)? (le|son) bilan|concurso de acreedores|en concurso\b|concordato preventivo"
        r"|amministrazione straordinaria|surseance|solicita (el )?concurso|upadlosc\w*|recuperacao judicial)",
        r"(goes|went|gone) bust\b|folds(?=$|[,;]| owing| with debts| leaving)",
        r"(goes|gone|went) under(?=$|[,;]| with| owing| leaving| after)",
        r"(cease[sd]?|stop(s|ped)?) trading\b(?! (in|on|of)\b)",
        r"(firm|company|chain|retailer|builder|group|business|maker|operator|airline|contractor|lender|brand"
        r"|housebuilder|manufacturer|haulier|developer|wholesaler|start-?up) (collapses|has collapsed)\b",
        r"collapse[sd]? (owing|(with|under) (\w+ ){0,3}(debts?|loss of|losses)|leaving (\w+ ){0,3}"
        r"(creditors|customers|suppliers|staff|workers|jobs|unpaid))",
        r"moratorium (granted|declared)",
        unless=r"members'? voluntary|\bsolvent\b|trading (standards|hours)"
        r"|(trump|biden|obama|bush|white house|u\.s\.|us|new|state) administration",
        before=_FAILED,
    ),
    _rule(
        "sanctions",
        r"(treasury|washington|brussels|ofac|ofsi|state department"
        r"|commerce department) (to )?sanctions? (?!relief|regime|on\b|against\b|over\b|threat|package|lists?\b"
        r"|waiver|deadline|risk|polic|have\b|has\b|had\b|are\b|is\b|were\b|will\b|case\b|in\b|to\b)\w",
        r"(us|u\.s\.|america|eu|uk|britain|canada|switzerland|australia|japan) (to )?sanctions? (?!on\b"
        r"|against\b)([\w'-]+ ){0,6}(firms?|compan(y|ies)|banks?|traders?|refiners?|refiner(y|ies)|shippers?"
        r"|shipping|group|network|entities|tankers?|vessels|airlines?|makers?|distributors?|suppliers?|tv"
        r"|exchange|producers?|miners?|chipmakers?|units?|businesses)\b",
        r"(us|u\.s\.|eu|uk|britain|treasury|washington|brussels|ofac|ofsi|canada|state department"
        r"|commerce department)( treasury)? (blacklists|blacklisted|sanctioned|designates|designated) \w",
        r"(impose[sd]?|imposing|slap[sd]?|slapped|unveil(s|ed)?|announce[sd]?) (\w+ ){0,3}sanctions (on|against)",
        r"(hit|targeted|struck) (by|with) (\w+ ){0,2}sanctions",
        r"(place[sd]?|put|puts) (\w+ ){0,2}(under|on) (\w+ ){0,2}(sanctions|sdn|entity list|blacklist)",
        r"(add(s|ed)?|put|puts|place[sd]?)\b.{0,40}(sdn list|entity list|sanctions? list|trade blacklist)",
        r"sanctioned by (the )?(us|u\.s\.|eu|uk|britain|treasury|ofac|washington|brussels|united states"
        r"|european union)",
        r"blacklisted by (the )?(us|u\.s\.|united states|eu|washington)",
        r"targets? [^,;:]{1,50} with sanctions|(hit|struck) (by|with) (an )?(\w+ )?asset freeze",
        r"(switzerland|uk|britain|eu|treasury|ofsi|canada) freezes assets of",
        r"asset freeze on|freez(es|ing) (the )?assets of[^;:]{0,60}sanctions|assets frozen under",
        unless=r"\bwto\b|trade sanctions|sanctions (on|against) (\w+, )?(iran|venezuela|russia|china|turkey"
        r"|north korea|belarus|myanmar|syria|cuba|israel|moscow|tehran|beijing|ankara)\b(?!-)"
        r"|sanctions? (relief|breach\w*|violation\w*|evasion|busting|waiver)"
        r"|(breach|violat|evad|dodg)\w* .{0,20}sanctions"
        r"|\b(fa|uefa|fifa|match|players?|fans|club|kick-off)\b|unionists|officials|ministers?|general\b"
        r"|generals|oligarchs?",
    ),
    _rule(
        "going_concern",
        r"going.concern",
        r"(substantial|significant) doubt",
        r"material uncertainty",
        r"(doubts?|question\w*) (about|over|on|of )?\s?(\w+ )?future(?=$|[,;]| of)"
        r"|needs? [^,;:]{1,40} (stay|keep) afloat",
        r"cash (until|to last until) \w+|cash for (only |just )?\w+ (weeks|days|months)",
        r"ability to continue (as|trading|operat)",
        r"(run|runs|running|ran) out of (cash|money|liquidity)",
        r"not (have )?(enough|sufficient) (cash|money|liquidity|funds) to",
        r"doubts? (about|over|on) (\w+ )?(its |their )?(survival|ability to survive)",
        r"(cannot|can't|could not|unable to|may not|might not) (continue (trading|operating|in business)"
        r"|survive(?=$|[,;]| (the|another|without|beyond|next))|stay afloat)",
        r"without (\w+ ){1,3}(funding|cash|capital|money) \w+ (cannot|can't|could not) continue",
        unless=r"(remove|lift|resolve|eas|allay|drop|clear)\w*.{0,30}(going.concern|doubt|uncertainty)"
        r"|(sold|sale|sells|sell|bought|buys?|acquired|transfer\w*) .{0,20}as a going.concern|no longer"
        r"|\b(country|government|households?|council|families|state|firms|businesses|charities|half|third"
        r"|quarter|programs?|programmes?|capitalism|republicans|democrats)\b",
        before=(
            r"den(y|ies|ied)|no|avoid\w*|dismiss\w*|reject\w*|rul(e|es|ed) out|without|end(s|ed)?|signs? off",
        ),
    ),
    _rule(
        "covenant_breach",
        r"covenants?\b.{0,25}\b(breach\w*|waivers?|violat\w*|default|tests? fail\w*|relief|holiday)",
        r"(breach|violat|trip|bust|break|waiv)\w*\b.{0,30}\bcovenants?",
        r"fail(s|ed)? [^;:]{0,25}\bcovenants?",
        r"notice of acceleration",
        r"accelerat(e|es|ed|ion of) (\w+ |\$?[\d.,]+ ?(m|mn|bn|million|billion)? ){0,4}(debts?|loans?|notes"
        r"|repayment|bonds)\b",
        r"loan acceleration",
        r"triggering events? that accelerate",
        r"demand(s|ed)? (immediate|early|full) repayment",
        r"call(s|ed)? in (\w+ |[$€£]?[\d.,]+(m|bn|mn)? ){0,4}loans?\b",
        unless=r"restrictive covenant|covenant.lite|(well )?within .{0,12}covenant|complian(t|ce) with"
        r"|debt (reduction|paydown)|student|covenant (school|church|university)",
        before=(r"den(y|ies|ied)|avoid\w*|avert\w*|no|not|without|resolve[sd]?",),
    ),
    _rule(
        "restatement",
        r"restat(e|es|ed|ing|ement)\b.{0,40}\b(results?|accounts?|earnings|revenues?|figures|financials?|profits?"
        r"|statements?|years?|quarters?|sales|reports?|\d{4})",
        r"(results|accounts|earnings|revenue|financial|accounting) restatement",
        r"restatement of",
        r"to restate\b",
        r"non.?reliance",
        r"(no longer|not) be relied (up)?on",
        r"accounting (errors?|irregularit\w+|mistakes?|blunder|misstatement|black hole|hole)",
        r"(overstat|misstat)(e|ed|es|ing|ement)\b[^,;:]{0,40}\b(results?|profits?|revenues?|earnings|sales"
        r"|accounts|assets|inventory|income|cash|financial)",
        r"material errors? in [^,;:]{0,30}(accounts|results|statements)|item 4\.02",
        r"correct(s|ing|ed)? (past|prior|previous|historical) (\w+ ){0,2}(accounts|statements|results)",
        unless=r"restat\w* (its |their |his |her |the )?(commitment|support|opposition|view|position|case|claim"
        r"|call|demand|pledge)|not aware|finds no",
        before=(r"den(y|ies|ied)|avoid\w*|no|without|rul(e|es|ed) out|reject\w*|dismiss\w*",),
    ),
    _rule(
        "auditor_resignation",
        r"auditors?\b(?!.general)"
        + _NEAR
        + r"\b(resign|quit|steps? down|stepp\w+ down|walks? away|walked away|withdr[ae]w)\w*",
        r"(resign|quit)(s|ed)? as (\w+('s)? ){0,4}auditor",
        _AUDIT_FIRM
        + r" (\w+ ){0,2}(resigns?|resigned|quits?|drops|dropped|walks? away|steps? down|abandons?)\b.{0,40}"
        r"\baudits?(or|ors)?\b",
        r"(resignation|removal|departure) of (\w+ ){0,3}auditors?",
        r"(sacks?|fires?|dismiss(es|ed)|parts ways with|removes?) (\w+ ){0,2}auditors?\b",
        r"auditor (resignation|walks|quits)",
        unless=r"auditor.general|lead auditor award|(partner|chair|chairman|boss|head) .{0,15}(resign|quit|step)"
        r"|overturn",
    ),
    _rule(
        "delisting",
        r"delist(s|ed|ing|ings)?\b",
        r"(shares?|stock) (\w+ ){0,2}(suspended|halted) (from|on|by|in|pending|until|over)\b",
        r"shares? (in|of) [^,;:]{1,40} (suspended|halted)",
        r"(removed|struck|dropped|booted|kicked|thrown)( off)? (from )?(the )?(\w+ )?(aim|nyse|nasdaq|asx|lse|jse"
        r"|tsx|bse|nse|sgx|hkex|(stock )?exchange|official list)\b",
        r"(nyse|nasdaq|asx|exchange)\b[^,;:]{0,15}\b(notice|letter|warning|notification)\b",
        r"(suspend|halt)(s|ed)? (\w+ ){0,1}trading (in|of) (\w+ )?(shares|stock|securities)",
        r"trading (in|of) [^,;:]{0,40}(shares|stock|securities) (is |was |has been )?(suspended|halted)",
        r"(cancel\w*|revok\w*) [^,;:]{0,30}\blisting\b",
        r"listing [^,;:]{0,30}\b(cancelled|canceled|revoked|terminated)",
        r"below (\w+ ){0,2}listing (standards|requirements|rules)"
        r"|(nyse|nasdaq|exchange)\b.{0,30}(non.?compliance|deficiency|delist|minimum bid|bid price)",
        unless=r"sanction|voluntar|relist|regain|in compliance|chinese (firms|companies)|settlements"
        r"|from (its |their )?(shelves|app|platform)|decoupling"
        r"|(moves?|switch\w*|transfer\w*) .{0,25}(listing|nyse|nasdaq)|takeover|take.private|buyout|merger"
        r"|acquisition|\bbid\b(?! price)|brexit|circuit|limit.up|dual listing|secondary listing"
        r"|\b(supermarkets?|grocers?|tesco|asda|sainsbury'?s|morrisons|waitrose)\b|fewer|number of|wave of"
        r"|houses? delist|(historic|heritage|listed) (building|site|house|landmark)|monument|crypto"
        r"|\btokens?\b|coins?\b|\bet[fn]s?\b|\b(ebay|amazon|app store)\b|fake news",
    ),
    _rule(
        "fraud",
        r"(accused of|charged with|convicted of|guilty (of|to)|admits?|admitted|alleg(es|ed|ing)|suspected"
        r"|uncovers?|discovers?|discloses?|sued for|jailed for|over|in|flags?|found|finds|indicted (on|for)"
        r"|accuses? (\w+ ){0,4}of|sentenced for|probe[sd]? (over|for)|hit (by|with)"
        r"|amid)\b[^,;:]{0,45}\b(frauds?\b|fraudulent\w*|embezzl\w*|ponzi|brib(es?|ery|ing)|money.launder\w*"
        r"|fake (sales|invoices|revenue)|fictitious|siphon\w*|scam|forger\w*)",
        r"(frauds?|bribery|embezzlement|corruption|money.laundering|accounting|insider.trading|tax evasion"
        r"|scam) (and \w+ )?(charges?|probe|investigation|inquiry|allegations?|scandal|case|claims|trial|raid)",
        r"(indict|embezzl|siphon|defraud)(s|ed|ing|ment)?\b",
        r"(fictitious|fake|sham|bogus) (invoices|sales|revenue|customers|transactions|contracts|receivables)",
        r"(divert(s|ed)?|misappropriat\w+) (\w+ ){0,3}(funds|loans?|money|crore|million)",
        r"(sec|doj|fbi|sfo|serious fraud office|cbi|ed|enforcement directorate|police|prosecutors?|bafin|fca|sebi"
        r"|amf|finma|staatsanwaltschaft|justice department|department of justice|guardia di finanza|sfio|consob"
        r"|asic|tax (authorities|officials|police))\b[^,;:]{0,25}\b(probes?|probing|investigat\w*|raid(s|ed)?"
        r"|charges|charged|search(es|ed)|book(s|ed)|arrests?|arrested|durchsucht|inquiry"
        r"|subpoena(s|ed)?)\b",
        r"subpoena(s|ed)? (from|by) (the )?(sec|doj|fbi|justice department|prosecutors?|regulators?|grand jury)\b",
        r"(criminal|accounting|enforcement|fraud|securities) (probe|investigation|inquiry)",
        r"under (\w+ )?investigation (by|for|over)",
        r"billions? missing|missing (billions|millions)",
        r"pledg(ed|es|ing) [^,;:]{0,40}twice|double.pledg\w+|pledg(ed|ing) (the )?same",
        r"(stole|stealing) [^,;:]{0,20}[$€£₹\d][^,;:]{0,20} from|round.tripping"
        r"|(inflated|inflating) (revenues?|sales|profits?|invoices)",
        r"razzia|betrugsverdacht|durchsuchung",
        unless=r"(payment|card|identity|online|insurance|welfare|consumer|voter|election|benefit|phone|romance"
        r"|push payment|app) (fraud|scam)|(fraud|scam) (victims?|refund|prevention|detection|protection)"
        r"|anti.?(fraud|bribery|money)|cleared of|acquit|exonerat|not guilty"
        r"|drops? .{0,20}(probe|investigation|case|charges)|(case|charges?) (dropped|dismissed|thrown out)"
        r"|(ends?|closes|shelves) .{0,25}(probe|investigation|inquiry)|scammers|fraudsters|antitrust"
        r"|competition|monopoly|merger|takeover|deal\b|privacy|crash|accident|safety|fire\b|explosion"
        r"|trump|congress|senat|republican|democrat|minister|election|government|border|shooting|\bmps\b"
        r"|lawmakers|politic|\bpm\b|governor|prince|\bunion\b|attorney.general|whether",
        before=_FAILED,
    ),
    _rule(
        "licence_loss",
        r"(los(es|t|ing)|revok(e|es|ed|ing)|cancel(s|led|ed|ling)?|suspend(s|ed|ing)?|strip(s|ped)?( \w+){0,4} of"
        r"|withdraw(s|n|ing)?|withdrew|pull(s|ed)|terminat(es|ed))\b[^,;:]{0,40}\b" + _LICENCE,
        _LICENCE + r"[^,;:]{0,40}\b(revoked|suspended|withdrawn|cancelled|canceled|stripped|terminated)",
        r"(revok|cancel|suspend|withdr[ae]w|pull)\w*\b[^,;:]{0,30}\b(approvals?|accreditation|certification)\b",
        r"grounded (by|as) (the )?(caa|faa|dgca|easa|regulator)",
        unless=r"voluntar|surrender|driving|taxi driver|motorist|doctor|dentist|nurse|teacher|landlord"
        r"|multiple occupation|gun|fishing|trading (in|of)|shares|shirt|naming|image|fee|reinstat|restor"
        r"|voter|building permit|work permits?|student|visa|software licen|music|song",
    ),
    _rule(
        "supplier_tightening",
        r"(suppliers?|vendors?|publishers|wholesalers|distributors|hauliers|lessors)\b"
        + _NEAR
        + r"\b(tighten|demand (cash|prepay\w*|upfront|payment)|cut off|halt|stop|pause|refuse|suspend|withhold)\w*"
        r"(?=( \w+){0,3} (ship|deliver|suppl|cash|up.?front|prepay|advance|terms|credit|orders|stock|goods)\w*"
        r"| to (ship|deliver|supply))",
        r"(suppliers?|vendors?|brands) (stop|halt|pause|suspend)\w* (shipping|shipments|deliver\w+|suppl\w+)",
        r"(suppliers?|vendors?) (seek|want|require|insist on)\w* (up.?front|advance|cash)",
        r"pro.?forma terms|cash (on|before) delivery|pay(ment)? up.?front|cash up front|cash in advance",
        r"(credit|trade|trade credit) insur\w+"
        + _NEAR
        + r"\b(cut|pull|withdraw|withdrew|reduc|slash|scale back|remov|limit|tighten)\w*",
        r"(cut|pull|withdraw|withdrew|reduc|slash|remov|los)\w*\b[^,;:]{0,40}\b(credit insurance|trade cover"
        r"|trade credit|credit cover|supplier cover|insurance cover for suppliers)",
        r"(allianz trade|euler hermes|atradius|coface|credendo)\b[^,;:]{0,25}\b(cuts?|pulls?|withdraws?|withdrew"
        r"|reduces?|slashes|removes?|lowers?)\b[^,;:]{0,40}\b(cover|limits?|exposure|insurance|suppliers?)",
        r"factors? (stop|halt|pause|refuse|decline)\w* (\w+ ){0,2}(approv|orders|credit)\w*",
        unless=r"interest rates?|monetary|forecast|outlook|ukraine|russia|gas supplies",
        before=(_UNDONE, r"could|may|might|fears? (of|that)|threaten(s|ing)?|rule out"),
    ),
    _rule(
        "downgrade",
        _AGENCY + r"\b[^;:]{0,45}?\b(downgrad\w*|cuts?\b|lower(s|ed)?\b|slash(es|ed)?|strips?|senkt)"
        r"(?! (growth|forecast|gdp|outlook))(?! ('?[\w+-]+'?s? ){0,4}outlook)",
        r"(downgrad\w*|cuts?|lowered|slashed|stripped)\b[^;:]{0,45}\b(junk|debt rating|credit ratings?|moody'?s"
        r"|fitch|s&p(?! \d)|bank facilities|investment grade)",
        r"(downgraded|cut|lowered|slashed|downgrades?) to '?" + _GRADE + r"(?!\w)",
        r"los(es|t|ing) (\w+ ){0,3}investment.grade",
        r"revis(es|ed) [^;:]{0,50}\brating[^;:]{0,40}\bdownward",
        r"fallen angel",
        unless=r"\bstock\b|share price|to '?(hold|sell|neutral|underperform|underweight|equal|reduce"
        r"|market perform)|analysts?\b|price target|brokerage|upgrade|growth forecast|gdp|weather|s&p 500"
        r"|(s&p|dow|nasdaq) (and|,)|futures|wall st|outlook (cut|lowered)|jobs",
    ),
    _rule(
        "leveraged_buyout",
        r"leveraged buy.?out|lbo\b|debt.funded (buy.?out|takeover|acquisition|deal)",
        r"(private.equity|buy.?out (firm|group|house)|pe firm)\b[^;:]{0,40}\b(buy.?out|take ?over|takes? over"
        r"|acqui\w+|buys|to buy|clinch\w*|take (\w+ )?private|snaps? up)",
        r"private.equity takes [\w' ]{1,30} private",
        r"(buy.?out|take.private|takeover|take\w* [\w' ]{1,30} private)\b[^;:]{0,45}\bprivate.equity",
        r"(kkr|blackstone|apollo|carlyle|bain capital|cvc|eqt|advent|tpg|cd&r|clayton,? dubilier|sycamore"
        r"|cerberus|permira|thoma bravo|silver lake|warburg|apax"
        r"|platinum equity)\b(?!.(backed|owned))[^;:]{0,45}\b(buy.?out|take[ -]private|private in"
        r"|take[s]? [\w' ]{1,30} private)",
        r"(buy.?out|take.private)( deal)?\b[^;:]{0,45}\b(kkr|blackstone|apollo|carlyle|bain capital|cvc|eqt"
        r"|advent|tpg|cd&r|sycamore|cerberus|permira|thoma bravo|silver lake|warburg|apax|platinum equity)",
        unless=r"\bfunds?\b|\bloans?\b|flood|backed|-owned|private.equity owner|minorit|in talks|compet|bidders"
        r"|proposal|\bsale\b|stake|considers?|weighs?|eye(s|ing)|explor"
        r"|from (kkr|blackstone|apollo|carlyle|bain|cvc|eqt|advent|tpg|private equity)|settlement"
        r"|interest (in|from)|shares? (jump|rise|surge)",
        before=(_UNDONE, _THOUGHT, r"sells?|sale|selling|sold"),
    ),
    _rule(
        "plant_closure",
        _CLOSES + r"\b[^;:]{0,35}?\b" + _PLANT,
        _PLANT + r"\b[^;:]{0,25}\b(closures?|closing|to close|closes|to shut|shutdown|shut down|shuts"
        r"|to be (closed|shut|mothballed|shuttered)|idled|mothballed|to cease)\b(?! (in on|to ))",
        _CLOSES + r"\b[^;:]{0,25}\b" + _SHOPS,
        r"(" + _SHOPS + r"|store|shop|branch) (closures?|closing|to close|to shut)\b",
        r"(cease|end|stop|halt)s? (all )?(operations|production|manufacturing|steelmaking) (at|in) ",
        r"(refinery|plant|factory|mill|smelter) to (cease|end) (operations|production)",
        r"(schliesst|schliessung) [^;:]{0,30}(werk|fabrik|standort)"
        r"|\w*(werk|fabrik|standort)\w* [^;:]{0,25}(schliesst|schliessung|geschlossen)"
        r"|fermeture (de l'|du |de son )?(usine|site)",
        r"closure of (\w+ ){0,4}" + _PLANT + r"|wind(s|ing)? down (\w+ ){0,3}" + _PLANT,
        unless=r"re-?open|temporar|for the (day|holiday|season)"
        r"|closes? (a |the |\$?\d\S* )?(deal|sale|acquisition|purchase|offering|round)|holiday|diwali"
        r"|virus|covid|lockdown|pandemic|outbreak|strike|storm|hurricane|snow|flood|quake|\bfire\b"
        r"|(on|over|for|during) (\w+ )?(christmas|easter|boxing day|new year|thanksgiving|bank holidays?|eid|funeral"
        r"|sundays|mondays|weekends?)\b"
        r"|power plant|nuclear|coal.fired|wall st|record|at risk of|plant sale|no plans|u-turn|keep open"
        r"|shares clos|website|border|\bfor (the )?\w+ (days?|weeks?|months?)|\bearly\b|inspection|until"
        r"|protests?|cyber|ransom|hack",
        before=(
            _UNDONE,
            r"could|may|might|would|consider\w*|mull(s|ed|ing)?|weigh(s|ed|ing)?|if|unless|fears? (of|that)"
            r"|threat of|risk of|plan to|avoid\w*",
        ),
    ),
    _rule(
        "major_customer_lost",
        r"(los(es|t|ing|s of))\b(?:(?! as )[^,;:]){0,35}\b((biggest|largest|key|major|top|main) (\w+ )?(customers?|clients?"
        r"|accounts?)|customer|client|contract|account)\b(?! (data|records|dispute|appeal|trust|confidence"
        r"|information))",
        r"(biggest|largest|key|major|top|main) (\w+ )?(customer|client"
        r"|buyer)\b" + _NEAR + r"\b(terminat|cancel|walk|drop|end|leav|quit|switch|move)\w*",
        r"(customer|client) (terminat|cancel|walk|drop|leav)\w*",
        r"(stop|cease|end|halt)(s|ed|ing)? (buying|sourcing|ordering|purchasing)\b[^,;:]{1,40}\bfrom\b",
        r"stripped of (\w+ ){0,4}contracts?\b",
        r"loss of (\w+ ){0,3}(contract|customer|client)\b",
        r"(ends?|ended|ending|axes|axed|scraps|exits) (\w+ |[\d-]+year ){0,3}(contract"
        r"|supply (deal|agreement)) with",
        r"(terminat|cancel)(s|ed|es|led|ing)? ([\w-]+ |[$€£]?[\d.,]+(m|bn|mn)? ){0,4}(contracts?"
        r"|supply (agreement|deal)|orders?)\b(?! for)",
        r"(drop(s|ped)?|dump(s|ed)?|ditch(es|ed)?) (\w+[- ]){0,4}(supplier|maker|carrier|vendor|contractor"
        r"|provider)",
        r"(tesco|asda|sainsbury'?s|morrisons|waitrose|aldi|lidl|walmart|costco|target|kroger|carrefour|edeka|rewe"
        r"|supermarkets?|retailers?|grocers?)\b[^,;:]{0,20}\b(delists?|delisted"
        r"|drops? (?!in\b|to\b|plan|project|bid|price|case|charge|out\b)|stops? selling|to stop selling"
        r"|stops? stocking)\b",
        unless=r"data breach|customer service|bank accounts?|savings account|wins? (back|new)|premier league"
        r"|coach|striker|midfielder|executive order|lawsuit|gym",
        before=(_UNDONE, _THOUGHT),
    ),
    _rule(
        "layoffs",
        r"lay(s|ing)?.?offs?\b|laid off\b",
        r"job (cuts|losses)|staff cuts|redundanc(y|ies)|made redundant|makes? \w+ (staff |workers )?redundant",
        r"(cut|axe|slash|shed|eliminat|trim|scrap|reduc|sack|cull)\w*\b[^;:]{0,30}\b(jobs|positions|workforce"
        r"|staff|employees|headcount|roles|posts|workers)\b",
        r"workforce reduction|headcount reduction|warn notice|pink slips?\b",
        r"[\d,. ]+(jobs|roles|posts|positions|staff|workers) (\w+ )?(to go|at risk|lost|axed|cut|to be cut"
        r"|under threat|face axe|in jeopardy|affected)",
        r"(sack|fire)(s|ed)? (another |nearly |over |more than )?[\d,.]+ (\w+ )?(staff|workers|employees|people"
        r"|more)",
        r"lets? go (of )?(\w+ )?[\d.,]+",
        r"furlough(s|ed)? (\w+ ){0,3}(staff|workers|employees)",
        r"streicht [^;:]{0,20}stellen|baut [^;:]{0,20}stellen ab|stellenabbau|stellen (abbauen|streichen)"
        r"|postes supprimes|suppression de [^;:]{0,15}(postes|emplois)|plan social",
        unless=r"jobless|payrolls|\btax\b|\bsalar|executive (jobs|pay)|bonus|carbon|emissions"
        r"|no (layoffs|job cuts|job losses|redundancies)|creat\w+ .{0,20}jobs|reinstat|rehire"
        r"|(cut|reduc)\w* .{0,15}(hours|pay|costs for|risk)",
        before=(_UNDONE, _THOUGHT),
    ),
    _rule(
        "cfo_exit",
        _FINANCE_CHIEF + r"\b" + _NEAR + r"\b" + _LEAVES,
        r"(resignation|departure|exit) of (\w+ ){0,4}" + _FINANCE_CHIEF,
        r"(steps? (down|aside)|resigns?|quits) as (\w+ ){0,2}" + _FINANCE_CHIEF,
        r"(replac|oust|fir|dismiss|sack|suspend|los)(es|s|ed|e)? (\w+ ){0,2}" + _FINANCE_CHIEF,
        r"(parts? ways with|out as) (\w+ ){0,2}" + _FINANCE_CHIEF,
        r"interim " + _FINANCE_CHIEF,
        unless=r"\b(former|ex)[ -](\w+ ){0,3}(cfo|chief financial|finance (chief|director|boss))|finance minister",
        before=(r"den(y|ies|ied)|no|not|award|former|ex",),
    ),
    _rule(
        "ceo_exit",
        _CHIEF + r"\b" + _NEAR + r"\b" + _LEAVES,
        r"(resignation|departure|exit|ouster) of (\w+ ){0,4}" + _CHIEF,
        r"(steps? (down|aside)|resigns?|quits) as (\w+ ){0,2}" + _CHIEF,
        r"(replac|oust|fir|dismiss|sack|suspend|los|remov)(es|s|ed|e)? (\w+ ){0,2}" + _CHIEF,
        r"(parts? ways with|out as) (\w+ ){0,2}" + _CHIEF,
        unless=r"\b(former|ex|union|mafia|crime|party)[ -](\w+ ){0,3}(ceo|chief exec|boss|managing director)"
        r"|left behind|leave (eu|the eu|europe|home)|brexit|staff|workers|" + _SPORT,
        before=(r"den(y|ies|ied)|no|not|award|former|ex|from",),
    ),
    _rule(
        "recall",
        r"recall(s|ing|ed)? (of |about |more than |nearly |over |up to |some |almost |another )*[\d.,]+",
        r"recalls? (of )?[^;:]{1,60}\b(over|after|due to|because|due|on|for|amid)\b",
        r"recalled\b",
        r"recalls ([\w-]+ ){0,3}(products?|lines?|batch(es)?|vehicles|cars|models|toys|units|drugs|food|meat|milk)\b",
        r"(product|safety|vehicle|food|voluntary|nationwide|drug|device|car|auto|class i+) recalls?",
        r"(issues?|expands?|widens?|announces?|orders?|triggers?|prompts?) ([\w-]+ ){0,3}recalls?",
        r"recall (notice|of|widens|expanded|expands|campaign)",
        r"to recall\b",
        r"ruckruf|rueckruf|ruft .{0,40} zuruck|rappel (de )?produits?",
        r"(pulls?|pulled|withdraws?|withdrawn|removes?) [^;:]{0,40}(from (shelves|sale)|off (the )?shelves)",
        unless=r"recall(s|ed)? (how|when|memories|election|vote|that|the (day|days|time|moment|night)|life|his"
        r"|her|my|their|being)|total recall|residents|tributes?|ambassador|envoy|diplomat|troops"
        r"|parliament|lawmakers|governor|mayor|lenders|veterans|voters|county|founder"
        r"|recall (petition|effort)|from (loan|injury)|squad|team\b",
    ),
    _rule(
        "cyber",
        r"cyber.?(attack|incident|breach|hack|raid|heist)\w*"
        r"|cyber.?(security|related) (incident|breach|event|disruption)|ransomware|data (breach|leak|theft)"
        r"|malware",
        r"hack(ed|ers|s)?\b",
        r"(it|computer|online) (systems?|network|breach)( \w+){0,2} (offline|down|locked|hit|exposes?|disrupted"
        r"|breach)",
        r"systems offline after|systems locked by|lockbit|akira|scattered spider",
        r"data (of|on|from) [^;:]{1,40}\b(stolen|leaked|exposed|compromised)"
        r"|(steal|stole|leak)(s|ed)? [^;:]{0,30}\bdata\b",
        r"(it|breach) breach exposes|breach expos(es|ed)",
        unless=r"prevents?|cyber.?security (firm|award|deal|company|contract|training|tips)|wins|contract"
        r"|launch(es|ed)|unveils|defen[cs]e|insur|response service|arrest|sentenced|jailed"
        r"|gang (leader|member)|europol|attacks? (up|rise|rose|surge|increase|jump|soar|double)|report:"
        r"|survey|study|according to (sophos|report)|life hacks?|hackathon|growth hack"
        r"|(raises|secures) .{0,20}(funding|million)|warns? of|threat of|china|russia|north korea",
        before=(_UNDONE, r"could|may|might|against|guard|risks? of|prepare\w*"),
    ),
    _rule(
        "dividend_cut",
        r"(cut|slash|suspend|scrap|omit|axe|halv|skip|eliminat|cancel|reduc|freez|pass"
        r"|ditch)\w*\b[^;:]{0,25}\bdividends?\b",
        r"dividends? (is |was |to be |payment |payout )?(cut|suspended|scrapped|omitted|slashed|halved|axed"
        r"|cancelled|reduced|suspension)",
        r"halve[sd]? (its |the )?dividend",
        r"no (final |interim )?dividend",
        r"(slash|cut|scrap|suspend|halv|omit|axe|skip)(es|s|ed)? (its |the )?((interim|final|annual|quarterly"
        r"|shareholder) )?payouts?\b",
        r"(payout|payouts) (cut|suspended|scrapped|slashed|axed)",
        r"(kurzt|streicht|halbiert) [^;:]{0,15}dividende",
        unless=r"(tax|rate|job|cost|price)s? cuts?|cut (in )?dividend tax|dividend tax",
        before=(_UNDONE, _THOUGHT, r"no plans? to|urged? (\w+ )?to"),
    ),
    _rule(
        "hiring_freeze",
        r"hiring (freeze|stop|halt)|recruitment freeze|freez(e|es|ing) (on )?(hiring|recruitment)"
        r"|(halt|pause|suspend|stop)(s|ed)? (all )?(hiring|recruitment)",
        r"(hiring|recruitment|recruiting) (is |was |put )?(on hold|frozen|paused|halted|suspended)",
        r"(puts?|place[sd]?) (hiring|recruitment) on (hold|ice)|einstellungsstopp",
        unless=r"(lift|eas|thaw|ends?|ended|over\b|unfr)\w*",
    ),
    _rule(
        "litigation",
        r"(lawsuits?|sue[sd]?\b|suing|class.action|litigation|court battle|damages claim|legal action"
        r"|high court claim|mass tort|jury (awards|orders)"
        r"|(antitrust|patent|fraud|negligence|whistleblower) suit\b|arbitration (award|claim|ruling)"
        r"|breach of contract)",
        r"takes? [^;:]{0,25} to court",
        r"(workers|staff|employees|drivers|farmers|residents|investors|shareholders|tenants|customers|suppliers"
        r"|landlords|creditors) (win|won)\b[^;:]{0,30}\b(claim|case|ruling|appeal|damages|compensation)\b",
        r"(ordered|told|orders? \w+( \w+){0,3}) to pay (?!(rise|cut))",
        r"(faces?|facing) [^;:]{0,30}(trial|claims?|court)\b",
        r"(loses|lost) (\w+ ){0,2}(appeal|court case|patent case)",
        r"verklagt|klage (gegen|wegen)",
        unless=r"settle[sd]?|settlement|dismiss|wins|drops|privilege|trump|threaten|arms of|award.winning|suez"
        r"|sued? (president|government)",
        before=(_UNDONE, r"could|may|might|threat of|threaten(s|ing)? (to)?"),
    ),
    _rule(
        "merger_acquisition",
        r"(to )?acquir(e|es|ed|ing)\b|acquisition|mergers?\b|(to|and|will) merge\b|merge with|merges?\b"
        r"|(take ?overs?|takes over|took over)\b(?! (as|from|role|at|the (role|reins|top)))|buys\b"
        r"|buy.?out|bid for\b|snaps? up\b|uebernimmt|ubernahme\b"
        r"|kauft\b",
        r"(to buy|buying|purchase of|agrees? to buy|deal to buy) (?!back|more|time|into|now|homes?|a home|house"
        r"|food|stock|shares|bonds|gold|us\b|goods|debt|oil)",
        r"(sold|to sell \w+( \w+){0,3}|sale of \w+( \w+){0,3}) to (bunzl|a rival|rival|competitor|consortium)",
        r"family.\w+ \w+ sold to|bought by (a )?(rival|competitor)|tables? [^;:]{0,20}\boffer"
        r"|sells [\w' ]{1,30} (division|unit|arm|subsidiary) to",
        r"shareholders (approve|back) [\w' ]{1,40}(offer|bid|deal)",
        unless=r"\bstocks?\b|customer acquisition|buying opportunit|lightning round"
        r"|acquir\w+ (skills|taste|customers|land|nothing)|talent acquisition|buys? back"
        r"|(to|should) buy (now|today|this)|reasons to buy|things|bonds|treasur|crude|gas cargo"
        r"|mergers (and|&) acquisitions|merger (law|rules)|(traffic|lanes?) merge"
        r"|(ceo|chief|boss|director|chair\w*|president|manager|captain|coach|minister|administrators?|receivers?"
        r"|liquidators?|professional)\b[^;:]{0,40}\b(takes|took) over"
        r"|data acquisition|shares? (fall|rise|jump|slip)"
        r"|\b(talks|merger|deal|bid|takeover)\b.{0,40}\b(collapse|fall through|fail)",
        before=(
            _UNDONE,
            r"how|why|where|best|worth|when|time|talks? (end|fail)\w*|walks? away from|oppose[sd]?|against",
        ),
    ),
    _rule(
        "rumour",
        r"(rumou?rs?|rumou?red|speculation)\b",
        r"(reportedly|said to be|reported to be|understood to be|thought to be) (considering|in talks|exploring"
        r"|weighing|preparing|mulling|planning|close to)",
        r"(unconfirmed reports?|cash crunch|liquidity (problems|crunch|crisis))",
        r"(" + _THOUGHT + r")\b[^;:]{0,40}\b(bankrupt\w*|chapter (7|11|15)|insolven\w*"
        r"|administration(?! \w+ (trade|tariff|policy))|liquidation|receivership|collapse|restructuring"
        r"|administrators|bust)\b",
        r"(bankruptcy|insolvency|administration|default) (fears|rumou?rs|speculation|preparations|talk|threat"
        r"|option|risk)\b",
        r"on the (brink|verge)(?=$|[,;:]| as\b| of collapse)",
        r"future (in|is in) (doubt|question|jeopardy)|rescue talks",
        unless=r"trump|biden|white house|transfer (rumours|window|speculation)|wedding|royal|den(y|ies|ied)"
        r"|brush(es)? off|dismiss|interest rate|\b(the|us|u\.s\.|obama|new) administration",
        before=(
            r"den(y|ies|ied)|dismiss\w*|brush(es|ed)? off|no|end(s|ed)?|avoid\w*|avert\w*|quash\w*|plays? down"
            r"|escape[sd]?|eas(e|es|ed)|allay\w*|calm\w*|sooth\w*|shrug\w* off|lift(s|ed)?|rebut\w*|reject\w*",
        ),
    ),
)


def plain(headline: str) -> str:
    """Lower case without accents, typographic marks as their plain ones, blanks single, no publisher's name at the end."""
    text = headline.replace("ß", "ss").translate(_MARKS)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _PUBLISHER.sub("", " ".join(text.split()))


_MARKS: Final = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": " - ", "—": " - ", "‑": "-", "…": " "}
)


def classify(headline: str) -> str:
    """The category that the headline tells by keyword rules, or `unknown`.

    Rules know words, not meaning: irony, most other languages and headlines that only name a customer of the company
    are beyond them. tests/unit/test_headlines.py prints precision and recall over labelled sets.
    """
    text = plain(headline)
    if _NO_REPORT.search(text):
        return UNKNOWN
    return next((rule.category for rule in _RULES if rule.told_by(text)), UNKNOWN)
