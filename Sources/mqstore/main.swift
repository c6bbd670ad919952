print("mqstore")
