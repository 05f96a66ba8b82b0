"""The names that systems give the columns of their ledgers, field by field, as columns.plain() writes them.

Which of them a file's columns are, and what follows from it, is columns.py's.
"""

from __future__ import annotations

from typing import Final

# Names of what is still owed: of a balance, and of an amount where a ledger has no other.
_STILL_OPEN: Final = (
    "openamount totalopenamount outstandingamount amountoutstanding outstanding balance openbalance "
    "balancedue amountdue remainingamount amountdueremaining openitemamount offenerbetrag "
    "restbetrag openstaandbedrag pendingamount "
    "openstaand openstaandsaldo nogopenstaand offen nochoffen pendiente importependiente saldopendiente restantdu "
    "resteapayer soldedu restedu residuo importoresiduo dapagare emaberto saldoemaberto valoremaberto dozapłaty "
    "pozostałodozapłaty kvarattbetala amountduesigned amountresidual amountresidualsigned restbeløp restbeløb "
    "nochzuzahlen invoicebalance invoicebal outstandingbalance remainingbalance "
    "utestaende utestaaende rest pte importepte pozostaje pozostało klikvidaci zbyvauhradit neuhrazeno kalan kalantutar "
    "未核销金额 未收金额 余额 残高 未入金額 未回収額 売掛残高 долг остаток остатокдолга задолженность avoinna valorpendente "
    "pendente areceber outstandingvalue duevalue currenttrxamount curtrxam saldoopenstaand"
)
_STILL_OPEN_TOO: Final = (  # where none of those is there
    "unpaid unpaidamount amountunpaid unpaidbalance remaining balanceremaining currentbalance totaldue dueamount openamt "
    "outstandingamt totaloutstanding amountopen owed owing amountowed stillowed balanceowing amountowing"
)

# Field -> tiers of names, best first. Two columns in one tier are ambiguous; a lower tier is used only
# when no higher one is there.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "customer": (
        "customerid customerno customernumber customernum customercode custid custno custnumber custnum "
        "custcode customeraccount customeraccountno customeraccountnumber customeraccountid customerkey "
        "custaccount tenantcode tenantid",
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
        "colastname customerfullname customerproject customerjob nomduclient debiteurnaam debitorenname partnername "
        "partnerdisplayname invoicepartnerdisplayname partyname partysname payername kundnamn kundenavn nomedocliente "
        "nomecliente nazwakontrahenta",
        "name nombre naam firma company",
        "customer client debtor buyer kunde account",
        "contactname contact kontakt",
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
        "duedate datedue dueon due duedt invoiceduedate netduedate paymentduedate dueindate netdt faedt "
        "faelligkeit falligkeit faelligkeitsdatum falligkeitsdatum faelligam falligam nettofalligkeit "
        "nettofaelligkeit maturitydate maturity dateecheance echeance vervaldatum fechavencimiento "
        "vencimiento datascadenza scadenza payby paybydate netduedt "
        "nettofalligkeitsdatum forfallodatum datedecheance fechadevencimiento datavencimento datadevencimento "
        "vencimento terminpłatnosci terminzapłaty duedatereceiveby forfallsdato forfaldsdato zahlbarbis "
        "datelimitedepaiement fechalimitedepago",
        "duein",  # or the days until then
    ),
    "baseline": ("zfbdt baselinedate baselinecreatedate",),
    "paid_date": (
        "paiddate datepaid paidon paidat paymentdate dateofpayment paymentdt settleddate settlementdate "
        "datesettled settledon settledat zahlungsdatum bezahltam datepaiement datereglement fechapago betaaldatum "
        "receiptdate receiveddate datereceived receivedon paymentreceiveddate paymentreceivedon "
        "datepaymentreceived fullypaidondate fullypaidon datedepaiement datedereglement fechadepago fechacobro "
        "fechadecobro datapagamento betaldatum betalningsdatum datefullypaid fullypaiddate "
        "datadopagamento datadepagamento datarecebimento slutbetalningsdatum datazapłaty betaaldop zahldatum "
        "bezahldatum betaltdato betalingsdato datedencaissement dateencaissement dataincasso datarecebimento",
        "paydate paiddt dateofreceipt collectiondate datecollected collectedon collectedat dateofsettlement",
        "clearingdate cleareddate cleardate datecleared clearedon clearedat clearing augdt ausgleichsdatum ausgleich",
        "closeddate dateclosed closedate closedon closedat closedatdate geschlossenam actualdateclosed",
        "valuedate valutadatum bankdate",
    ),
    "amount": (
        "creditnoteamount creditmemoamount invoiceamount invoiceamt invamount invamt invoicetotal invoicevalue "
        "totalinvoiceamount invoicetotalamount rechnungsbetrag montantfacture importefactura factuurbedrag billamount "
        "billingamount invoicedamount",
        "grossamount amountgross grosstotal grossinvoiceamount totalgross bruttobetrag betragbrutto brutto montantttc gross "
        "amountincgst amountincvat amountinctax amountinclgst "
        "totalincgst totalincvat totalinctax totalinclvat totalincltax totalincludingtax totalincludingvat "
        "amountincludingvat amountinclvat amountincltax",
        "totalamount amounttotal originalamount origamount originalamt origamt originalinvoiceamount documentamount docamount "
        "wrbtr betraginbw betraginbelegwahrung amountindoccurr amountindocumentcurrency amountindoccurrency "
        "foreignamount foreigncurrencyamount amountinforeigncurrency amountfc foreigntotal totalforeign totalfc "
        "transactionamount amountindc amountdueoriginal amountintransactioncurrency amountcur "
        "ursprungsbetrag totalsigned amounttotalsigned grandtotal gesamtbetrag endbetrag rechnungssumme "
        "documenttotal doctotal amountbilled amounttrancur",
        "amount amt betrag montant importe bedrag importo belopp beløp beløb amountforeigncurrency",
        "total value totalt totaal totale importetotal montanttotal totalttc importototale valordodocumento valortotal "
        "kwotabrutto",
        "dmbtr betraginhw betraginhauswahrung amountinlocalcurrency amountinlocalcur amountinlc localamount "
        "amountlcy amountmst amountinaccountingcurrency amountcocodecrcy",
        _STILL_OPEN,
        _STILL_OPEN_TOO,
    ),
    "tax": (),  # that is added to the amounts: only where a layout file says so
    "paid_amount": (
        "appliedamount amountapplied amountappliedtoinvoice allocatedamount amountallocated applicationamount "
        "appliedtoinvoice",
        "paidamount amountpaid paidamt amtpaid paymentamount paymentamt receivedamount amountreceived "
        "receiptamount settledamount amountsettled cashreceived clearedamount zahlbetrag zahlungsbetrag "
        "bezahlt montantpaye importepagado betaaldbedrag totalpaid invoiceamountpaid montantregle importecobrado "
        "totalcobrado bedragbetaald importopagato incassato betragbezahlt bezahlterbetrag valorpago valorrecebido inbetalt",
        "paid ispaid fullypaid isfullypaid paidinfull settled issettled paidyn "
        "cobrado pagado regle paye betaald pagato pago recebido zapłacono betalt betald",
        "received collected collectedamount amountcollected paidtodate amountpaidtodate totalreceived totalcollected receipts",
        "payment pmt pymt zahlung paiement pago betaling pagamento inbetalning innbetaling indbetaling",
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
    "balance": (
        "foreignopenbalance foreignbalance foreignamountdue openbalanceforeign balancefc "
        "amountremainingforeigncurrency amountdueforeigncurrency balanceforeigncurrency",
        f"{_STILL_OPEN} amountremaining invoiceamountdue transactionamountdue saldo os osamount",
        _STILL_OPEN_TOO,
    ),
    "currency": (
        "invoicecurrency documentcurrency doccurrency transactioncurrency invoicecurrencycode paymentcurrency waers "
        "amountcurrency belegwahrung bwahr",
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
        "annule annulee anulada anulado cancelledon canceledon cancelleddate canceleddate canceldate datecancelled "
        "datecanceled reversaldate reverseddate datereversed reversedon voidedon deletedat deletedon storniertam",
    ),
    "is_credit": (
        "iscreditnote iscreditmemo iscredit creditmemo creditnote creditmemoflag creditnoteflag istgutschrift "
        "isgutschrift gutschrift",
    ),
    "credits": (
        "originalinvoice originalinvoiceno originalinvoicenumber originalinvoiceid appliesto appliestoinvoice "
        "appliestoinvoiceno creditedinvoice relatedinvoice relatedinvoiceid relatedinvoiceno againstinvoice "
        "invoicereference invoiceref invoicereferenceno "
        "rebzg referenceinvoice referencedinvoice parentinvoice correctsinvoice",
    ),
}
# What other languages call them, and systems that abbreviate: field -> tier -> names.
_ELSEWHERE: Final[dict[str, dict[int, str]]] = {
    "memo": {0: "cnno cnnumber"},
    "credits": {0: "appliedto"},
    "debit": {0: "dare debito debet borc дебет 借方 借方金額 winien"},
    "credit": {0: "avere credito kredit alacak кредит 贷方 貸方 貸方金額"},
    "customer": {
        0: (
            "nummerdebiteur kodkontrahenta custnmbr addressnumber carikodu musterikodu 客户编码 客户代码 客户编号 "
            "得意先コート 取引先コート кодконтрагента nocliente billtoaccountnumber billtocustomernumber "
            "asiakasnumero asiakasnro cislozakaznika kodklienta"
        ),
        1: (
            "relatie asiakas odberatel zakaznik musteri 客户 取引先 得意先 контрагент покупатель клиент "
            "заказчик entidade klient afnemer"
        ),
    },
    "name": {
        0: (
            "cariunvanı musteriadı 客户名称 取引先名 得意先名 billtocustomername alphaname relatienaam naamdebiteur "
            "asiakkaannimi nazwaklienta nazevfirmy companybilling billingcompany"
        ),
        1: "nome nazwa jmeno nazev unvan navn namn nimi наименование",
    },
    "invoice": {
        0: (
            "cislofaktury faturano faturanumarası 发票号 发票号码 請求書番号 請求番号 laskunnumero laskunumero "
            "laskunnro номерсчета laskunro docnumbr"
        ),
        3: (
            "numerdokumentu nrdokumentu cislodokladu 单据编号 numerodocumento nodocumento ndoc numdoc "
            "bilagsnr bilagsnummer номердокумента evrakno notafiscal"
        ),
        4: "documento",
        5: "cislo номер numer numero",
    },
    "invoice_date": {
        1: (
            "datafaktury laskunpaivamaara laskupaiva laskunpvm datumvystaveni vystaveno faturatarihi "
            "发票日期 开票日期 請求日 請求書発行日 発行日 датасчета datedon"
        ),
        2: "datadokumentu datadoc datadocumento bilagsdato 单据日期 датадокумента",
        5: "dato tarih дата 日期 日付 paivamaara paivays",
        0: "cndate",
    },
    "due_date": {
        0: (
            "termin splatno splatnost datumsplatnosti vadetarihi vade sonodemetarihi 到期日 付款期限 应收日期 支払期限 "
            "支払期日 入金期日 срокоплаты оплатитьдо vto fechavto erapaiva faellig fallig docduedate datascad datavenc "
            "forfall"
        ),
    },
    "paid_date": {
        0: (
            "датаоплаты 入金日 收款日期 odemetarihi tahsilattarihi maksupaiva datumuhrady slutbetald "
            "datazapłacenia"
        ),
        4: "chequedate checkdate depositdate",
    },
    "amount": {
        0: "cnamount cnamt docinvoiceamt docinvoiceamount",
        1: "wartoscbrutto beloppinklmoms totalvalue celkemsdph documentvalue",
        2: "doctotalfc originaltrxamount ortrxamt enteredamount",
        3: "kwota summa castka tutar сумма 金额 金額 valor valordaconta faturatutarı 請求金額 請求額",
        4: "celkem celkemkc итого 合計金額 合计金额",
    },
    "paid_amount": {
        0: "allocated applied appliedamt allocationamount allocatedvalue",
        1: "receiptamt depositamount chequeamount checkamount 已核销金额 已收金额 入金額 tahsiledilen paidvalue odenentutar",
        2: "оплачено uhrazeno zaplaceno odenen maksettu",
    },
    "balance": {
        0: "docinvoicebal",
    },
    "currency": {
        1: "mena doviz dovizcinsi parabirimi 币别 币种 通貨 валюта valuutta currencyid ordercurrency",
    },
    "type": {
        0: "типдокумента 单据类型 druhdokladu rodzajdokumentu typdokumentu tosite",
    },
    "status": {
        1: "stav durum 状态 ステータス статус stan tila",
    },
    "payment_status": {
        0: "入金ステータス 入金状況 收款状态 статусоплаты odemedurumu",
    },
}
TIERS: Final = {
    field: tuple(
        [*tier.split(), *_ELSEWHERE.get(field, {}).get(n, "").split()] for n, tier in enumerate(tiers)
    )
    for field, tiers in _NAMES.items()
}

FIELDS: Final = tuple(_NAMES)
"""What a layout file may name under [columns]."""

MONEY: Final = ("amount", "debit", "credit", "paid_amount", "payment_total", "balance", "limit")
"""The fields whose cells are amounts."""

DUE: Final = frozenset(("due_date", "terms", "days_1"))
"""The fields of which one says when an invoice is due."""

USUAL: Final = frozenset(name for tiers in TIERS.values() for tier in tiers for name in tier)
BALANCES: Final = frozenset(name for tier in TIERS["balance"] for name in tier)
MONEY_NAMES: Final = frozenset(name for field in MONEY for tier in TIERS[field] for name in tier)

# Only these say that a column is a file's own date of invoices, or of payments; "Date" alone is either's.
CERTAIN_INVOICE_TIERS: Final = 3
LOCAL_TIER: Final = 5  # of amounts: in the books' own currency
OPEN_TIER: Final = 6  # of amounts, and those behind it: what is still open
DOCUMENT_TIER: Final = 3
VALUE_TIER: Final = len(TIERS["paid_date"]) - 1  # of days of payment: the bank's
IN_DOCUMENTS: Final = (
    "docinvoiceamt",
    "docinvoiceamount",
    "doctotalfc",
    "amountforeigncurrency",
)  # amounts in the currency of the document
PAYMENT_TIER: Final = (
    len(TIERS["paid_amount"]) - 1
)  # of paid amounts: or the payment's number, or how it came
NAMED_TIER: Final = 3  # of amounts: by a word that may be a payment's amount as well
APPLIED_TIER: Final = 0  # of paid amounts: what of a payment is for one invoice
MORE: Final = {
    key: frozenset(names.split())
    for key, names in {
        "tax": "tax taxamount taxamt taxvalue taxtotal totaltax salestax salestaxamount salestaxvalue vat vatamount vatamt "
        "vatvalue totalvat gst gstamount igst cgst sgst utgst hst pst qst iva importeiva "
        "mwst mwstbetrag ust ustbetrag umsatzsteuer steuer steuerbetrag tva montanttva btw btwbedrag moms momsbelopp mva "
        "kwotavat imposta dph kdv kdvtutarı ндс суммандс alv 税额 消費税 消費税額",
        "account": "account accountid accountno accountnumber accountcode acct acctid acctno acctnumber acctnum konto "
        "kontonummer kontonr",
        "no customer's account beside": "quantity qty menge quantite unitamount unitprice einzelpreis lineamount linetotal "
        "taxtype split vendor vendorid vendorno vendorname vendornumber supplier supplierid supplierno suppliername "
        "lieferant kreditor fournisseur proveedor fornitore leverancier",
    }.items()
}
"""Names of columns that are no field and tell what another is."""

WITH_TAX: Final = frozenset(
    name
    for tier in TIERS["amount"][:OPEN_TIER]
    for name in tier
    if any(word in name for word in ("total", "totaal", "gross", "brutto", "ttc"))
)
CHEQUES: Final = frozenset(
    [*TIERS["paid_date"][2], "chequedate", "checkdate", "maturitydate"]
)  # days on which money of a cheque came, or can come
COMPANIES: Final = ("company", "firma")  # may be the seller's own, so they stand for no customer
BARE_DATES: Final = [
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
    "dato",
    "tarih",
    "дата",
    "日期",
    "日付",
    "paivamaara",
    "paivays",
]
