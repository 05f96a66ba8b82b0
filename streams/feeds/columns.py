"""Which column of a ledger is what: the usual names of each field, and whether a file holds invoices or payments.

Names are compared without case, accents, blanks and punctuation. Only whole names count: nothing is matched by a part.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from schemas.money import EXPONENTS

Kind = Literal["invoices", "payments", "credits"]

# Names of what is still owed: of a balance, and of an amount where a ledger has no other.
_STILL_OPEN: Final = (
    "openamount totalopenamount outstandingamount amountoutstanding outstanding balance openbalance "
    "balancedue amountdue remainingamount amountdueremaining openitemamount offenerbetrag "
    "restbetrag openstaandbedrag pendingamount "
    "openstaand openstaandsaldo nogopenstaand offen nochoffen pendiente importependiente saldopendiente restantdu "
    "resteapayer soldedu restedu residuo importoresiduo dapagare emaberto saldoemaberto valoremaberto dozapłaty "
    "pozostałodozapłaty kvarattbetala amountduesigned amountresidual amountresidualsigned restbeløp restbeløb "
    "nochzuzahlen invoicebalance invoicebal outstandingbalance remainingbalance"
)

# Field -> tiers of names, best first. Two columns in one tier are ambiguous; a lower tier is used only
# when no higher one is there.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "customer": (
        "customerid customerno customernumber customernum customercode custid custno custnumber custnum "
        "custcode customeraccount customeraccountno customeraccountnumber customeraccountid customerkey "
        "custaccount",
        "kunnr accountid accountno accountnumber accountcode acctid acctno acctnumber acctnum debtorid "
        "debtorno debtornumber debtorcode clientid clientno clientnumber clientcode buyerid buyerno "
        "buyernumber cardcode bpcode partnerid businesspartner businesspartnerid kundennummer kundennr "
        "kundenr kundenummer debitorennummer debitorennr debitornr codeclient numeroclient noclient "
        "codigocliente codcliente numerocliente klantnummer klantnr kundnummer kundnr nclient ncliente "
        "debiteurnummer debiteurnr debiteurennummer codicecliente accountref accountreference kdnr "
        "codigodecliente idcliente idcustomer idclient",
        "customer account client debtor debitor buyer billto billtoparty soldto soldtoparty payer kunde cust "
        "acct cliente klant partner konto kontonummer kontonr debiteur ac party kontrahent counterparty "
        "tenant rechnungsempfanger rechnungsempfaenger",
    ),
    "name": (
        "customername custname namecustomer accountname clientname debtorname buyername companyname cardname "
        "name1 kundenname nomclient nombrecliente ragionesociale klantnaam businesspartnername "
        "customerfullname customerproject customerjob nomduclient debiteurnaam debitorenname partnername "
        "partnerdisplayname invoicepartnerdisplayname partyname partysname payername kundnamn kundenavn nomedocliente "
        "nomecliente nazwakontrahenta",
        "name nombre naam firma company",
        "customer client debtor buyer kunde account",
        "contactname contact",
    ),
    "invoice": (
        "invoicenumber invoiceno invoicenum invoicenr invno invnum invnumber invnr "
        "invoicecode rechnungsnummer rechnungsnr rechnungnr numerofacture nofacture numerofactura "
        "factuurnummer factuurnr fakturanummer fakturanr nfacture nfactura billno billnumber billingdocument "
        "billingdoc billingdocumentnumber vbeln invoicedocument ndefacture nodefacture numerodefacture "
        "nofactura numerodefactura numerofattura nofattura nfattura numerfaktury nrfaktury numerodanota "
        "numerodanotafiscal",
        "invoiceid invid billid invoicekey",  # a number of the system's own, beside the one on the paper
        "invoice rechnung facture factura factuur faktura fattura xblnr",
        "belnr documentnumber documentno documentid documentnum docno docid docnumber docnum belegnummer belegnr "
        "journalentry npiece ndepiece numeropiece numerodepiece numerododocumento vchno salesinvoice salesinvoiceno folio",
        "document transactionnumber transactionno transactionid transno trxnumber trxno voucherno vouchernumber num "
        "number refno referencenbr refnbr",
        "no nr",
    ),
    "document": (
        "belnr documentnumber documentno documentid docno docid docnumber docnum belegnummer belegnr",
    ),
    "memo": (
        "creditnoteno creditnotenumber creditnotenum creditnoteid creditmemono creditmemonumber creditmemonum creditmemoid "
        "gutschriftsnummer gutschriftsnr gutschriftnummer gutschriftnr numeroavoir numerodavoir",
    ),
    "invoice_date": (
        "creditnotedate creditmemodate gutschriftsdatum",
        "invoicedate invdate invoicedt invdt dateofinvoice dateinvoice rechnungsdatum billingdate billdate "
        "issuedate dateissued issuedon invoicedon issued fkdat datefacture fechafactura factuurdatum "
        "fakturadatum invoiceissuedate invoicecreatedate datedefacture fechadefactura invoicebilldate "
        "datafattura dataemissao datadeemissao fechaemision fechadeemision datawystawienia "
        "issueddate dateofissue datedemission dateemission fakturadato fechaexpedicion",
        "documentdate docdate bldat belegdatum documentcreatedate datepiece datedepiece",
        "transactiondate trandate trxdate",
        "postingdate budat postdate posteddate buchungsdatum",
        "date datum fecha data",
        "created createdat createddate creationdate",
        "zfbdt baselinedate baselinecreatedate",
    ),
    "due_date": (
        "duedate datedue dueon due duedt invoiceduedate netduedate paymentduedate dueindate duein netdt faedt "
        "faelligkeit falligkeit faelligkeitsdatum falligkeitsdatum faelligam falligam nettofalligkeit "
        "nettofaelligkeit maturitydate maturity dateecheance echeance vervaldatum fechavencimiento "
        "vencimiento datascadenza scadenza payby paybydate netduedt "
        "nettofalligkeitsdatum forfallodatum datedecheance fechadevencimiento datavencimento datadevencimento "
        "vencimento terminpłatnosci terminzapłaty duedatereceiveby forfallsdato forfaldsdato zahlbarbis "
        "datelimitedepaiement fechalimitedepago",
    ),
    "baseline": ("zfbdt baselinedate baselinecreatedate",),
    "paid_date": (
        "paiddate datepaid paidon paidat paymentdate dateofpayment paymentdt settleddate settlementdate "
        "datesettled settledon zahlungsdatum bezahltam datepaiement datereglement fechapago betaaldatum "
        "receiptdate receiveddate datereceived receivedon paymentreceiveddate paymentreceivedon "
        "datepaymentreceived fullypaidondate fullypaidon datedepaiement datedereglement fechadepago fechacobro "
        "fechadecobro datapagamento betaldatum betalningsdatum datefullypaid fullypaiddate "
        "datadopagamento datadepagamento datarecebimento slutbetalningsdatum datazapłaty betaaldop zahldatum "
        "bezahldatum betaltdato betalingsdato datedencaissement dateencaissement dataincasso datarecebimento",
        "clearingdate cleareddate cleardate datecleared clearedon clearing augdt ausgleichsdatum ausgleich",
        "closeddate dateclosed closedate closedatdate geschlossenam actualdateclosed",
        "valuedate valutadatum bankdate",
    ),
    "amount": (
        "creditnoteamount creditmemoamount invoiceamount invoiceamt invamount invamt invoicetotal invoicevalue "
        "totalinvoiceamount invoicetotalamount rechnungsbetrag montantfacture importefactura factuurbedrag billamount "
        "billingamount invoicedamount",
        "grossamount amountgross grosstotal grossinvoiceamount totalgross bruttobetrag betragbrutto brutto montantttc gross "
        "totalincgst totalincvat totalinctax totalinclvat totalincltax totalincludingtax totalincludingvat "
        "amountincludingvat amountinclvat amountincltax",
        "totalamount amounttotal originalamount origamount originalinvoiceamount documentamount docamount "
        "wrbtr betraginbw betraginbelegwahrung amountindoccurr amountindocumentcurrency amountindoccurrency "
        "transactionamount amountindc amountdueoriginal amountintransactioncurrency amountcur "
        "ursprungsbetrag totalsigned amounttotalsigned grandtotal gesamtbetrag endbetrag rechnungssumme "
        "documenttotal doctotal amountbilled amounttrancur",
        "amount amt betrag montant importe bedrag importo belopp beløp beløb amountforeigncurrency",
        "total value totalt totaal totale importetotal montanttotal totalttc importototale valordodocumento valortotal "
        "kwotabrutto",
        "dmbtr betraginhw betraginhauswahrung amountinlocalcurrency amountinlocalcur amountinlc localamount "
        "amountlcy amountmst amountinaccountingcurrency amountcocodecrcy",
        _STILL_OPEN,
    ),
    "paid_amount": (
        "appliedamount amountapplied amountappliedtoinvoice allocatedamount amountallocated applicationamount "
        "appliedtoinvoice",
        "paidamount amountpaid paidamt amtpaid paymentamount paymentamt receivedamount amountreceived "
        "receiptamount settledamount amountsettled cashreceived clearedamount zahlbetrag zahlungsbetrag "
        "bezahlt montantpaye importepagado betaaldbedrag totalpaid invoiceamountpaid montantregle importecobrado "
        "totalcobrado bedragbetaald importopagato incassato betragbezahlt bezahlterbetrag valorpago valorrecebido inbetalt",
        "paid cobrado pagado regle paye betaald pagato pago recebido zapłacono betalt betald",
    ),
    "payment_total": (
        "paymentamount paymentamt paymenttotal totalpayment receiptamount receipttotal receivedamount amountreceived",
    ),
    "discount": (
        "discount discountamount discounttaken discountallowed discountgiven cashdiscount settlementdiscount "
        "earlypaymentdiscount skonto skontobetrag escompte",
    ),
    "debit": ("debitamount debit sollbetrag betragsoll soll debe",),
    "credit": ("creditamount credit habenbetrag betraghaben haben haber",),
    "balance": (f"{_STILL_OPEN} amountremaining invoiceamountdue transactionamountdue saldo os osamount",),
    "currency": (
        "invoicecurrency documentcurrency doccurrency transactioncurrency invoicecurrencycode paymentcurrency waers "
        "belegwahrung bwahr",
        "currency currencycode currencyiso isocurrency curr ccy wahrungscode wahrung wahrg waehrung devise moneda valuta "
        "waluta moeda divisa cur",
        "localcurrency hauswahrung hwahr lcurr",
    ),
    "side": (
        "shkzg debitcreditindicator debitcreditind debitcredit drcr dc sollhaben sollhabenkennzeichen "
        "sollhabenkennz sollhabenkz sh",
    ),
    "disputed": (
        "disputed dispute isdisputed indispute disputeflag disputedflag disputestatus underdispute strittig",
    ),
    "terms": (
        "terms paymentterms paymentterm termsofpayment termsdays termdays netdays paymenttermsdays "
        "paymenttermdays custpaymentterms customerpaymentterms zterm creditterms creditdays zahlungsbedingung "
        "zahlungsbedingungen zahlungsziel conditionspaiement termspayment invoiceterms",
    ),
    "days_1": ("zbd1t",),
    "days_2": ("zbd2t",),
    "days_3": ("zbd3t",),
    "limit": (
        "creditlimit creditline creditlimitamount kreditlimit klimk creditlimits limit customercreditlimit",
    ),
    "payment": (
        "paymentid paymentno paymentnumber paymentnum paymentkey receiptid receiptno receiptnumber receiptnum "
        "cashreceiptno cashreceiptid zahlungsnummer numeropago paymentnr paymentcode",
        "augbl ausgleichsbeleg clearingdocument clearingdoc clrngdoc clearingdocumentno clearingdocno clearingdocumentnumber "
        "clearingjournalentry "
        "paymentdocument paymentdoc paymentdocumentno",
    ),
    "reference": (
        "paymentreference paymentref remittance remittanceinformation remittanceinfo checknumber checkno "
        "chequeno chequenumber checknum bankreference bankref zahlungsreferenz verwendungszweck",
        "reference ref referencenumber referenceno zuordnung zuonr",
    ),
    "type": (
        "documenttype doctype transactiontype trxtype blart belegart invoicetype entrytype trxclass txntype transtype "
        "tipodocumento tipodedocumento typedocument typededocument dokumenttyp dokumentart belegtyp vorgangsart "
        "soortdocument documentsoort documentclass journalentrytype",
        "type tp soort tipo vchtype vouchertype",
        "class",
    ),
    "status": (
        "invoicestatus documentstatus docstatus estadofactura statutfacture rechnungsstatus factuurstatus",
        "status statut estado stato situacao",
    ),
    "payment_status": (
        "paymentstatus paidstatus receiptstatus transactionstatus invoicepaymentstatus zahlungsstatus zahlstatus "
        "statutpaiement statutdepaiement estadopago estadodelpago statopagamento betaalstatus",
    ),
    "voided": (
        "voided void isvoid isvoided voidedat voideddate voiddate datevoided cancelled canceled iscancelled iscanceled "
        "cancelledat canceledat cancellationdate deleted isdeleted isreversed reversed storniert storno stornodatum "
        "annule annulee anulada anulado",
    ),
    "credits": (
        "originalinvoice originalinvoiceno originalinvoicenumber originalinvoiceid appliesto appliestoinvoice "
        "appliestoinvoiceno creditedinvoice relatedinvoice relatedinvoiceid relatedinvoiceno againstinvoice "
        "invoicereference invoiceref invoicereferenceno "
        "rebzg referenceinvoice referencedinvoice parentinvoice correctsinvoice",
    ),
}
_TIERS: Final = {field: tuple(tier.split() for tier in tiers) for field, tiers in _NAMES.items()}

FIELDS: Final = tuple(_NAMES)
"""What a layout file may name under [columns]."""

MONEY: Final = ("amount", "debit", "credit", "paid_amount", "payment_total", "balance", "limit")
"""The fields whose cells are amounts."""

DUE: Final = frozenset(("due_date", "terms", "days_1"))
"""The fields of which one says when an invoice is due."""

_USUAL: Final = frozenset(name for tiers in _TIERS.values() for tier in tiers for name in tier)
_MONEY_NAMES: Final = frozenset(name for field in MONEY for tier in _TIERS[field] for name in tier)
_SIGNS: Final = {"€": "EUR", "£": "GBP"}  # the others stand for several currencies

# Only these say that a column is a file's own date of invoices, or of payments; "Date" alone is either's.
_CERTAIN_INVOICE_TIERS: Final = 3
_LOCAL_TIER: Final = 5  # of amounts: in the books' own currency
_OPEN_TIER: Final = 6  # of amounts: what is still open
_DOCUMENT_TIER: Final = 3
_VALUE_TIER: Final = len(_TIERS["paid_date"]) - 1  # of days of payment: the bank's
_APPLIED_TIER: Final = 0  # of paid amounts: what of a payment is for one invoice
# Of two columns with equal right the first is taken: nothing that counts depends on them.
_OPTIONAL: Final = (
    "name",
    "reference",
    "payment",
    "payment_total",
    "document",
    "baseline",
    "credits",
    "status",
    "payment_status",
    "voided",
    "discount",
)
_MORE: Final = {
    key: frozenset(names.split())
    for key, names in {
        "tax": "tax taxamount taxtotal totaltax salestax vat vatamount totalvat gst gstamount igst cgst hst iva importeiva "
        "mwst mwstbetrag ust ustbetrag umsatzsteuer steuerbetrag tva montanttva btw btwbedrag moms kwotavat imposta",
        "account": "account accountid accountno accountnumber accountcode acct acctid acctno acctnumber acctnum konto "
        "kontonummer kontonr",
        "no customer's account beside": "quantity qty menge quantite unitamount unitprice einzelpreis lineamount linetotal "
        "taxtype split vendor vendorid vendorno vendorname vendornumber supplier supplierid supplierno suppliername "
        "lieferant kreditor fournisseur proveedor fornitore leverancier",
    }.items()
}
"""Names of columns that are no field and tell what another is."""

_WITH_TAX: Final = frozenset(
    name
    for tier in _TIERS["amount"][:_OPEN_TIER]
    for name in tier
    if any(word in name for word in ("total", "totaal", "gross", "brutto", "ttc"))
)
_ZONE: Final = re.compile(r"\((?:utc|gmt)\)", re.IGNORECASE)
_COMPANIES: Final = ("company", "firma")  # may be the seller's own, so they stand for no customer
_BARE_DATES: Final = [
    "date",
    "datum",
    "fecha",
    "data",
    "transactiondate",
    "trandate",
    "trxdate",
    "postingdate",
    "budat",
    "postdate",
    "posteddate",
]


@lru_cache(maxsize=10_000)
def plain(name: str) -> str:
    """A column name without case, accents, blanks and punctuation: 'Invoice No.' and 'INVOICE_NO' are both
    'invoiceno'."""
    if name.strip() == "#":
        return ""  # the numbers of rows
    spread = unicodedata.normalize(
        "NFKD", _ZONE.sub("", name).replace("#", "no").replace("№", "no").replace("ß", "ss")
    ).lower()
    return "".join(c for c in spread if c.isalnum())


def shown(name: str) -> str:
    """A column's name on one line."""
    return " ".join(name.split())


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one file. `at`: field -> index of its column. `currency`: what the header of the
    amounts names."""

    kind: Kind
    at: Mapping[str, int]
    header: tuple[str, ...]
    currency: str | None = None

    def named(self, field: str) -> str:
        """The header's own name of a field's column, the field's name where it has none."""
        index = self.at.get(field)
        return field.replace("_", " ") if index is None else shown(self.header[index])

    @property
    def only_open(self) -> bool:
        """Whether the amounts are what is still open, as no column has what was invoiced."""
        index = self.at.get("amount")
        return index is not None and _split(self.header[index])[0] in _TIERS["amount"][_OPEN_TIER]

    @property
    def taken(self) -> list[tuple[str, str]]:
        """(field, the header's name), in the order of the header."""
        return [(f, shown(self.header[i])) for f, i in sorted(self.at.items(), key=lambda item: item[1])]

    @property
    def by_name(self) -> bool:
        """Whether customers are told by their names, since no column has their numbers."""
        index = self.at.get("customer")
        if index is None:
            return False
        name = plain(self.header[index])
        return any(name in tier for tier in _TIERS["name"]) and not any(
            name in tier for tier in _TIERS["customer"]
        )

    @property
    def left(self) -> list[str]:
        """The names of columns that are not used."""
        used = set(self.at.values())
        return [shown(name) for i, name in enumerate(self.header) if i not in used and name.strip()]


class Unclear(ValueError):
    """The columns do not say enough; the message says what is missing or ambiguous and what to write in a
    layout file."""


def is_known(name: str) -> bool:
    """Whether a column of this name is one of a field's usual ones."""
    return plain(name) in _USUAL


def may_be_of_the_books(name: str) -> bool:
    """Whether a column of this name holds customers, or accounts of the books: `Account`, `Account No`."""
    return plain(name) in _MORE["account"]


def score(header: Sequence[str]) -> int:
    """How many different fields a line names: what tells the header from titles above it, and the delimiter."""
    names = {plain(cell) for cell in header} | {_split(cell)[0] for cell in header}
    return sum(any(name in names for tier in tiers for name in tier) for tiers in _TIERS.values())


def recognise(
    header: Sequence[str],
    given: Mapping[str, Sequence[str]] | None = None,
    kind: Kind | None = None,
    beside_invoices: bool = False,
) -> Columns:
    """The columns of a header. Raises Unclear.

    `given`: field -> names of the layout file, which go before all others. `kind`: of the layout file.
    `beside_invoices`: another file certainly holds the invoices, so that a file with neither due dates nor invoice
    dates is its payments.
    """
    at, tier_of, doubtful = _match(header, given or {})
    if "amount" not in (given or {}):
        _with_tax(at, tier_of, doubtful, header)
    _by_sides(at, tier_of, doubtful)
    if tier_of.get("amount") == _LOCAL_TIER and "amount" in at and "currency" not in (given or {}):
        _local_currency(at, doubtful, header)
    if kind is None:
        kind = _kind(at, tier_of, header, beside_invoices)
    for field in _OPTIONAL:
        if field in doubtful:
            at[field] = list(map(str.strip, header)).index(doubtful.pop(field)[0])
    if kind == "payments":
        # The payment's own number, or its invoice's
        if "invoice" in at and tier_of["invoice"] >= _DOCUMENT_TIER:
            document = at.pop("invoice")
            at.setdefault("payment", document)
        if "invoice" not in at and "invoice" not in doubtful and "credits" in at:
            at["invoice"] = at["credits"]
        bare_date = at.get("invoice_date")
        if "paid_date" not in at and bare_date is not None and plain(header[bare_date]) in _BARE_DATES:
            at["paid_date"] = bare_date
        # The payment's, and no invoice's
        if "status" in at and plain(header[at["status"]]) in _TIERS["status"][-1]:
            at.setdefault("payment_status", at["status"])
        for field in (
            "invoice_date",
            "due_date",
            "terms",
            "days_1",
            "days_2",
            "days_3",
            "disputed",
            "credits",
            "baseline",
            "limit",
            "memo",
            "balance",
            "status",
            "debit",
            "credit",
        ):
            at.pop(field, None)
            doubtful.pop(field, None)
        if "amount" in at and tier_of.get("paid_amount") == _APPLIED_TIER:
            at.setdefault("payment_total", at["amount"])
        if "paid_amount" not in at and "amount" in at:
            at["paid_amount"] = at["amount"]
            if "amount" in doubtful:
                doubtful["paid_amount"] = doubtful["amount"]
        at.pop("amount", None)
        doubtful.pop("amount", None)
        if at.get("payment_total") == at.get("paid_amount") or "payment" not in at:
            at.pop("payment_total", None)
        at.pop("document", None)
        wanted = ["paid_date", "paid_amount"]
        if "customer" not in at and "invoice" not in at:
            wanted.append("customer")
    else:
        at.pop("payment_total", None)
        at.pop("discount", None)  # before the invoice's amount
        memo = at.pop("memo", None)
        if kind == "credits":
            _as_credits(at, doubtful, memo)
        # An invoice has a value date too, and it is no day of payment
        if tier_of.get("paid_date") == _VALUE_TIER and "paid_date" not in (given or {}):
            at.pop("paid_date", None)
        if at.get("document") == at.get("invoice"):
            at.pop("document", None)
        # A statement's reference is its invoices' number where nothing else is
        reference = at.get("reference")
        unnumbered = "invoice" not in at and "invoice" not in doubtful
        if unnumbered and reference is not None and plain(header[reference]) in ("ref", "reference"):
            at["invoice"] = reference
        known = "customer" in at or "customer" in doubtful
        if not known and "name" in at and plain(header[at["name"]]) not in _COMPANIES:
            at["customer"] = at["name"]  # known by his name alone
        wanted = ["customer", "invoice", "invoice_date"]
        if "debit" not in at:
            wanted.append("amount")
        if at.get("balance") == at.get("amount"):
            at.pop("balance", None)
        if "amount" in at or "debit" in at:  # it only tells more of the amount
            doubtful.pop("balance", None)
    if at.get("name") == at.get("customer"):
        at.pop("name", None)
    missing = [field for field in wanted if field not in at and field not in doubtful]
    if missing or doubtful:
        raise Unclear(_advice(kind, header, missing, doubtful))
    own = at.get("paid_amount" if kind == "payments" else "amount", at.get("debit"))
    return Columns(kind, at, tuple(header), None if own is None else _split(header[own])[1])


def _with_tax(
    at: dict[str, int], tier_of: dict[str, int], doubtful: Mapping[str, list[str]], header: Sequence[str]
) -> None:
    """The amount with its tax, where a column has the tax and one has both."""
    if "amount" not in at or "amount" in doubtful or not _MORE["tax"] & {_split(cell)[0] for cell in header}:
        return
    if _split(header[at["amount"]])[0] in _WITH_TAX:
        return
    whole = [i for i, cell in enumerate(header) if _split(cell)[0] in _WITH_TAX]
    if len(whole) == 1:
        at["amount"] = whole[0]
        name = _split(header[whole[0]])[0]
        tier_of["amount"] = next(n for n, tier in enumerate(_TIERS["amount"]) if name in tier)


def _as_credits(at: dict[str, int], doubtful: dict[str, list[str]], memo: int | None) -> None:
    """A credit note's own number is its row's, and an invoice's is that of the invoice which it credits."""
    if memo is not None:
        if "invoice" in at:
            at["credits"] = at["invoice"]
        at["invoice"] = memo
    for field in ("paid_amount", "paid_date", "balance", "disputed", "limit", "type", "side"):
        at.pop(field, None)
        doubtful.pop(field, None)


def _by_sides(at: dict[str, int], tier_of: Mapping[str, int], doubtful: dict[str, list[str]]) -> None:
    """Debit and credit are the amount where both are there and no amount is (what is still open is none)."""
    sides = "debit" in at and "credit" in at
    if sides and tier_of.get("amount") in (None, _OPEN_TIER) and "amount" not in doubtful:
        at.pop("amount", None)
        at.pop("side", None)
        return
    for field in ("debit", "credit"):
        at.pop(field, None)
        doubtful.pop(field, None)


def _local_currency(at: dict[str, int], doubtful: dict[str, list[str]], header: Sequence[str]) -> None:
    """The currency of amounts in the books' own currency: its own column's, and no document's."""
    at.pop("currency", None)
    doubtful.pop("currency", None)
    own = [i for i, cell in enumerate(header) if plain(cell) in _TIERS["currency"][-1]]
    if len(own) == 1:
        at["currency"] = own[0]


def _split(name: str) -> tuple[str, str | None]:
    """(the plain name without the currency in it, the currency): 'Amount (EUR)' is ('amount', 'EUR')."""
    for sign, code in _SIGNS.items():
        if sign in name:
            return plain(name), code
    whole = plain(name)
    rest, code = whole[:-3], whole[-3:].upper()
    if code in EXPONENTS and whole not in _MONEY_NAMES and rest in _MONEY_NAMES:
        return rest, code
    return whole, None


def _match(
    header: Sequence[str], given: Mapping[str, Sequence[str]]
) -> tuple[dict[str, int], dict[str, int], dict[str, list[str]]]:
    names = [plain(cell) for cell in header]
    at: dict[str, int] = {}
    tier_of: dict[str, int] = {}
    doubtful: dict[str, list[str]] = {}
    for field, wanted in given.items():
        exact = [i for i, cell in enumerate(header) if cell.strip() in wanted]
        loose = exact or [i for i, name in enumerate(names) if name in {plain(w) for w in wanted}]
        if len(loose) == 1:
            at[field], tier_of[field] = loose[0], 0
        elif loose:
            doubtful[field] = [header[i].strip() for i in loose]
    claimed = set(at.values())
    no_accounts = bool(_MORE["no customer's account beside"] & set(names))
    for field, tiers in _TIERS.items():
        if field in at or field in doubtful:
            continue
        # In the lines of invoices an account is one of the books, beside a supplier it is his
        if field == "customer" and no_accounts:
            tiers = tuple([name for name in tier if name not in _MORE["account"]] for tier in tiers)
        for number, tier in enumerate(tiers):
            found = [i for i, name in enumerate(names) if name in tier and i not in claimed]
            if not found and field in MONEY:
                found = [i for i, cell in enumerate(header) if _split(cell)[0] in tier and i not in claimed]
            if len(found) > 1:
                doubtful[field] = [header[i].strip() for i in found]
            elif found:
                at[field], tier_of[field] = found[0], number
            if found:
                break
    return at, tier_of, doubtful


def _kind(
    at: Mapping[str, int], tier_of: Mapping[str, int], header: Sequence[str], beside_invoices: bool
) -> Kind:
    certain_date = "invoice_date" in at and 0 < tier_of["invoice_date"] < _CERTAIN_INVOICE_TIERS
    own_amount = "amount" in at or "debit" in at
    invoiced = certain_date and "invoice" in at
    if "memo" in at and not (invoiced or (DUE | {"payment", "paid_date"}) & set(at)):
        return "credits"
    date = at.get("invoice_date")
    bare_date = date is not None and plain(header[date]) in _BARE_DATES
    pays = "paid_date" in at or (bare_date and ("payment" in at or "paid_amount" in at))
    has_money = own_amount or "paid_amount" in at
    if beside_invoices and "paid_date" in at and (date is None or not DUE & set(at)):
        return "payments"  # an invoice's date, or its due date, beside its payment is no second invoice
    if certain_date and own_amount and "customer" in at:
        return "invoices"
    if pays and has_money and "due_date" not in at:
        return "payments"
    if beside_invoices and bare_date and has_money and "due_date" not in at:
        return "payments"
    return "invoices"


def is_certain(columns: Columns) -> bool:
    """Whether a file's columns say for certain that it holds invoices: due dates, terms, or invoice dates alone."""
    if columns.kind != "invoices":
        return False
    date = plain(columns.header[columns.at["invoice_date"]])
    if DUE & set(columns.at):
        return True
    return date not in _BARE_DATES and "paid_date" not in columns.at


def _advice(
    kind: Kind, header: Sequence[str], missing: Sequence[str], doubtful: Mapping[str, Sequence[str]]
) -> str:
    found = ", ".join(shown(cell) or "(blank)" for cell in header)
    parts = [f"no column was recognised as {field.replace('_', ' ')}" for field in missing]
    for field, names in doubtful.items():
        if len(set(names)) == 1:
            parts.append(
                f"{len(names)} columns are named {names[0]}; rename all but one, for {field.replace('_', ' ')}"
            )
        else:
            parts.append(f"{field.replace('_', ' ')} may be {' or '.join(names)}")
    lines = [f'{field} = "…"' for field in missing]
    lines += [f'{field} = "{names[0]}"' for field, names in doubtful.items() if len(set(names)) > 1]
    said = f"{'; '.join(parts)} (read as {kind}). Columns found: {found}"
    if not lines:
        return said
    return f"{said}. Write a layout file with [columns] and {'; '.join(lines)}, and give it with --layout"
