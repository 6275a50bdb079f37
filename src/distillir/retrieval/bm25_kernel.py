"""Top documents of queries over postings that hold scores, without looking at most postings: MaxScore, compiled.

MaxScore (Turtle and Flood, 1995) by windows of documents, as Lucene's ``MaxScoreBulkScorer``: a term whose best score,
together with those of all weaker terms, does not reach the worst score that is still listed cannot bring a document
into the list by itself. The postings of the other terms are added up window by window in an array that the processor's
cache holds; only documents whose sum and the best of the weaker terms may reach the list are looked up there.

Sums for these decisions are upper bounds with room for rounding. What is listed has its score added up anew, in float32
and in the order of the query's words, so that it is to the bit what adding up all postings gives.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

#: Documents whose sums stand in memory at once; 128 KiB.
WINDOW = 1 << 15
#: Looking a document up takes as long as reading so many postings in a row.
LOOKED_UP = 16
Floats = npt.NDArray[np.float32]


def _compiled(function: Any) -> Any:
    """Compile with the interpreter lock let go, and keep the code on disk where there is a place for it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither beside this file nor in the user's cache may anything be written
        return numba.njit(nogil=True)(function)


@_compiled
def posting_at_or_after(documents: npt.NDArray[np.int32], start: int, end: int, wanted: int) -> int:
    """First place from ``start`` on whose document is not before ``wanted``, by steps that double; ``end`` for none."""
    if start >= end or documents[start] >= wanted:
        return start
    step, low = 1, start
    high = start + 1
    while high < end and documents[high] < wanted:
        low = high
        step *= 2
        high = low + step
    high = min(high, end)
    while high - low > 1:
        middle = (low + high) >> 1
        if documents[middle] < wanted:
            low = middle
        else:
            high = middle
    return high


@_compiled
def _sort(values: npt.NDArray[Any], count: int) -> None:
    """Sort the first values, in place (Shell's sort; numpy's takes a second to compile)."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for n in range(gap, count):
            value = values[n]
            place = n
            while place >= gap and values[place - gap] > value:
                values[place] = values[place - gap]
                place -= gap
            values[place] = value
        gap //= 3


@_compiled
def _below(score: float, row: int, other_score: float, other_row: int) -> bool:
    return score < other_score or (score == other_score and row > other_row)


@_compiled
def _sift_down(scores: Floats, rows: npt.NDArray[np.int32], size: int) -> None:
    """Bring the heap's first entry to its place; the first of a heap is what stands last in the list."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _below(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _below(scores[child], rows[child], scores[place], rows[place]):
            return
        scores[place], scores[child] = scores[child], scores[place]
        rows[place], rows[child] = rows[child], rows[place]
        place = child


@_compiled
def _push(scores: Floats, rows: npt.NDArray[np.int32], place: int, score: float, row: int) -> None:
    """Put an entry behind the ``place`` entries of a heap."""
    scores[place], rows[place] = score, row
    while place > 0:
        parent = (place - 1) >> 1
        if not _below(scores[place], rows[place], scores[parent], rows[parent]):
            return
        scores[place], scores[parent] = scores[parent], scores[place]
        rows[place], rows[parent] = rows[parent], rows[place]
        place = parent


@_compiled
def _still(sums: Floats, touched: npt.NDArray[np.int32], count: int, slack: float, rest: float, bar: float) -> int:
    """Keep those of the touched documents that may be listed, in their order; the sums of others are cleared."""
    kept = 0
    for n in range(count):
        d = touched[n]
        if sums[d] * slack + rest >= bar:
            touched[kept] = d
            kept += 1
        else:
            sums[d] = 0
    return kept


@_compiled
def _raise_bar(lowest: Floats, size: int, low: float) -> int:
    """Put a score into the heap of the best ones; returns how many it holds."""
    if size < len(lowest):
        place = size
        while place > 0 and low < lowest[(place - 1) >> 1]:
            lowest[place] = lowest[(place - 1) >> 1]
            place = (place - 1) >> 1
        lowest[place] = low
        return size + 1
    if low > lowest[0]:
        place = 0
        while True:
            child = 2 * place + 1
            if child >= size:
                break
            if child + 1 < size and lowest[child + 1] < lowest[child]:
                child += 1
            if lowest[child] >= low:
                break
            lowest[place] = lowest[child]
            place = child
        lowest[place] = low
    return size


@_compiled
def _listed(
    data: Floats,
    documents: npt.NDArray[np.int32],
    asked: npt.NDArray[np.int64],
    cursor: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    values: Floats,
    held_rows: npt.NDArray[np.int32],
    held_sums: Floats,
    held: int,
    slack: float,
    bar: float,
    scores: Floats,
    rows: npt.NDArray[np.int32],
    size: int,
) -> int:
    """Put those of the held documents that may be listed into the heap, by their exact scores; returns its size."""
    for n in range(held):
        if held_sums[n] * slack < bar:
            continue
        row = held_rows[n]
        for i in range(len(ends)):
            cursor[i] = posting_at_or_after(documents, cursor[i], ends[i], row)
            values[i] = data[cursor[i]] if cursor[i] < ends[i] and documents[cursor[i]] == row else np.float32(0)
        score = np.float32(0)
        for place in asked:
            score = np.float32(score + values[place])
        if score <= 0:
            continue
        if size < len(scores):
            _push(scores, rows, size, score, row)
            size += 1
        elif score > scores[0]:
            scores[0], rows[0] = score, row
            _sift_down(scores, rows, size)
    return size


@_compiled
def best_of(
    data: Floats,
    documents: npt.NDArray[np.int32],
    pointers: npt.NDArray[np.int64],
    maxima: Floats,
    least: Floats,
    total: int,
    starts: npt.NDArray[np.int64],
    distinct: npt.NDArray[np.int64],
    named: Floats,
    word_starts: npt.NDArray[np.int64],
    words: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    scores: Floats,
    found: npt.NDArray[np.int64],
) -> None:
    """Find the best documents of some queries; ties go by row, ascending.

    Args:
        data: Scores of all postings, not negative.
        documents: Their documents, ascending within a term.
        pointers: Where each term's postings begin [terms + 1].
        maxima: The best score of each term [terms].
        least: A score that at least as many documents reach by this term as are wanted [terms]; 0 where unknown.
        total: Number of documents.
        starts: Where each query's distinct terms begin [Q + 1].
        distinct: Distinct terms of all queries, those first of a query that can give least.
        named: How often each is named.
        word_starts: Where each query's words begin [Q + 1].
        words: Words of all queries in their order, as places among the query's distinct terms.
        rows: Filled with documents [Q, depth], best first.
        scores: Filled with their scores [Q, depth].
        found: Filled with how many there are [Q].
    """
    depth = rows.shape[1]
    sums = np.zeros(WINDOW, dtype=np.float32)
    touched = np.empty(WINDOW, dtype=np.int32)
    lowest = np.empty(depth, dtype=np.float32)
    held_rows = np.empty(4 * depth + 1024, dtype=np.int32)
    held_sums = np.empty(len(held_rows), dtype=np.float32)
    for query in range(len(starts) - 1):
        terms = distinct[starts[query] : starts[query + 1]]
        times = named[starts[query] : starts[query + 1]]
        asked = words[word_starts[query] : word_starts[query + 1]]
        count = len(terms)
        found[query] = 0
        if count == 0 or depth == 0:
            continue
        alone = count == 1 and times[0] == 1  # sums are then the scores themselves
        slack = 1.0 if alone else 1.0 + 4.0 * (len(asked) + 4) * 6e-8
        most = np.zeros(count + 1, dtype=np.float64)  # what the i weakest terms give at best, with room for rounding
        bar = 0.0  # no document of a lower score is wanted
        for i in range(count):
            most[i + 1] = most[i] + slack * times[i] * maxima[terms[i]]
            bar = max(bar, least[terms[i]])
        ends = np.empty(count, dtype=np.int64)
        cursor = np.empty(count, dtype=np.int64)  # where each term's postings go on
        again = np.empty(count, dtype=np.int64)  # the same for the exact sums
        for i in range(count):
            cursor[i] = again[i] = pointers[terms[i]]
            ends[i] = pointers[terms[i] + 1]
        values = np.zeros(count, dtype=np.float32)
        held = better = size = weak = 0
        windows = (total + WINDOW - 1) // WINDOW
        for window in range(windows):
            base = window * WINDOW
            while weak < count and most[weak + 1] < bar:
                weak += 1
            if weak == count:
                break
            top = min(base + WINDOW, total)
            reached = 0
            for i in range(weak, count):
                j, end = cursor[i], ends[i]
                while j < end and documents[j] < top:
                    if data[j] > 0:
                        d = documents[j] - base
                        if sums[d] == 0:
                            touched[reached] = d
                            reached += 1
                        sums[d] += times[i] * data[j]
                    j += 1
                cursor[i] = j
            if reached == 0:
                continue
            kept = _still(sums, touched, reached, slack, most[weak], bar)
            ordered = False
            for i in range(weak - 1, -1, -1):
                if kept == 0:
                    break
                j, end = posting_at_or_after(documents, cursor[i], ends[i], base), ends[i]
                if kept * LOOKED_UP > (end - pointers[terms[i]]) * WINDOW / total:
                    while j < end and documents[j] < top:
                        d = documents[j] - base
                        if sums[d] > 0:
                            sums[d] += times[i] * data[j]
                        j += 1
                else:
                    if not ordered:
                        _sort(touched, kept)
                        ordered = True
                    for n in range(kept):
                        d = touched[n]
                        j = posting_at_or_after(documents, j, end, base + d)
                        if j < end and documents[j] == base + d:
                            sums[d] += times[i] * data[j]
                cursor[i] = j
                kept = _still(sums, touched, kept, slack, most[i], bar)
            if kept and not ordered:
                _sort(touched, kept)
            for n in range(kept):
                d = touched[n]
                total_sum = sums[d]
                sums[d] = 0
                if total_sum * slack < bar or (alone and better == depth and total_sum <= lowest[0]):
                    continue
                if held == len(held_rows):
                    size = _listed(
                        data, documents, asked, again, ends, values,
                        held_rows, held_sums, held, slack, bar, scores[query], rows[query], size,
                    )  # fmt: skip
                    held = 0
                    if size == depth:
                        bar = max(bar, scores[query, 0])
                held_rows[held], held_sums[held] = base + d, total_sum
                held += 1
                better = _raise_bar(lowest, better, total_sum)
                if better == depth:
                    bar = max(bar, lowest[0] / slack)
        size = _listed(
            data, documents, asked, again, ends, values,
            held_rows, held_sums, held, slack, bar, scores[query], rows[query], size,
        )  # fmt: skip
        heap_scores, heap_rows = scores[query], rows[query]
        found[query] = size
        for last in range(size - 1, 0, -1):
            heap_scores[0], heap_scores[last] = heap_scores[last], heap_scores[0]
            heap_rows[0], heap_rows[last] = heap_rows[last], heap_rows[0]
            _sift_down(heap_scores, heap_rows, last)


@_compiled
def bounds(data: Floats, pointers: npt.NDArray[np.int64], levels: npt.NDArray[np.int64], found: Floats) -> None:
    """Find the n-th best score of each term, for some n.

    Args:
        data: Scores of all postings.
        pointers: Where each term's postings begin [terms + 1].
        levels: The n, ascending, the first of them 1 [L].
        found: Filled with the scores [L, terms]; 0 where a term has fewer postings.
    """
    best = np.empty(levels[-1], dtype=np.float32)
    for term in range(len(pointers) - 1):
        size = 0
        for j in range(pointers[term], pointers[term + 1]):
            if size < len(best) or data[j] > best[0]:
                size = _raise_bar(best, size, data[j])
        _sort(best, size)
        for n in range(len(levels)):
            found[n, term] = best[size - levels[n]] if levels[n] <= size else np.float32(0)
