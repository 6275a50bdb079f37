"""Types of the arrays that rooms hand to each other."""

import numpy as np
import numpy.typing as npt

#: Positions in a table, of queries or of documents; int64, -1 where something has none.
Rows = npt.NDArray[np.int64]

#: Scores of documents for a query, raw as whoever gives them; float32, more is better.
Scores = npt.NDArray[np.float32]

#: One yes or no a document.
Flags = npt.NDArray[np.bool_]

#: Scores of a list by each layer of a teacher [layers, documents], the last layer last; float32.
LayerScores = npt.NDArray[np.float32]
