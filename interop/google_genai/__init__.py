"""Google's SDK for Python: one program per case, each as its documentation says."""
