"""Names that published files use for ids, texts, titles and grades, as keys of JSON and as columns of tables.

Names are compared by `plain_key`, so that ``doc_id``, ``docId``, ``Doc ID`` and ``doc-id`` are one. In each list an
earlier name is preferred where a file has several.
"""

from typing import Literal

#: What a text is, which decides how its keys are read.
Kind = Literal["document", "query"]

DOCUMENT_IDS = (
    "id",
    "docid",
    "documentid",
    "docno",
    "documentno",
    "corpusid",
    "pid",
    "psgid",
    "passageid",
    "paragraphid",
    "chunkid",
    "articleid",
    "pmid",
    "uuid",
    "guid",
    "key",
    "index",
    "idx",
)
QUERY_IDS = (
    "id",
    "qid",
    "queryid",
    "queryno",
    "topicid",
    "questionid",
    "claimid",
    "topic",
    "topicno",
    "number",
    "num",
    "uuid",
    "guid",
    "key",
    "index",
    "idx",
)
DOCUMENT_TEXTS = (
    "text",
    "contents",
    "content",
    "passage",
    "passagetext",
    "body",
    "document",
    "documenttext",
    "doctext",
    "doc",
    "paragraph",
    "paragraphtext",
    "chunk",
    "chunktext",
    "segment",
    "abstract",
    "article",
    "sentence",
    "fulltext",
    "bodytext",
    "plaintext",
    "description",
)
QUERY_TEXTS = (
    "text",
    "query",
    "querytext",
    "question",
    "questiontext",
    "claim",
    "contents",
    "content",
    "topic",
    "utterance",
    "keyword",
    "keywords",
)
TITLES = ("title", "doctitle", "documenttitle", "headline", "heading")
JUDGED_QUERIES = ("queryid", "qid", "topicid", "questionid", "claimid", "query", "topic", "topicno", "question")
JUDGED_DOCUMENTS = (
    "corpusid",
    "docid",
    "documentid",
    "docno",
    "documentno",
    "pid",
    "psgid",
    "passageid",
    "paragraphid",
    "chunkid",
    "articleid",
    "pmid",
    "document",
    "doc",
    "passage",
    "id",
)
GRADES = (
    "score",
    "relevance",
    "relevancy",
    "rel",
    "grade",
    "label",
    "relevancelabel",
    "relevancegrade",
    "judgment",
    "judgement",
    "relevant",
    "isrelevant",
    "rating",
    "gain",
)
#: Lists of documents that are relevant to the query of a line (BRIGHT, LoTTE), and the query's id beside them.
RELEVANT_LISTS = (
    "goldids",
    "answerpids",
    "positiveids",
    "posids",
    "positivedocids",
    "positivepids",
    "relevantids",
    "relevantdocids",
    "relevantdocs",
)
LISTED_QUERIES = ("queryid", "qid", "topicid", "questionid", "claimid", "id")
#: The second column of TREC's judgements, which says nothing, or (`SUBTOPICS`) which side of a topic was judged.
ITERATIONS = ("iteration", "iter", "q0", "zero", "unused", "run", "round")
SUBTOPICS = ("subtopic", "subtopicid", "intent", "intentid", "aspect", "facet")
#: Names of what is no text of a query: a table of questions and these has no ids.
ANSWERS = ("answer", "answers", "shortanswers", "target", "targets", "response", "label", "labels")


def plain_key(name: str) -> str:
    """A name in small letters and digits alone: ``docid`` of ``Doc_ID``, ``id`` of ``_id``."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def id_names(kind: Kind) -> tuple[str, ...]:
    """Names of the id of a document or query, the preferred first."""
    return DOCUMENT_IDS if kind == "document" else QUERY_IDS


def text_names(kind: Kind) -> tuple[str, ...]:
    """Names of the text of a document or query, the preferred first."""
    return DOCUMENT_TEXTS if kind == "document" else QUERY_TEXTS
